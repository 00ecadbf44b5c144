package kvs_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

func TestIdentityShowsNoSecret(t *testing.T) {
	environment(t, both(keys(), region()))
	cfg, err := kvs.LoadConfig(t.Context(), kvs.ConfigOptions{Unchecked: true})
	if err != nil {
		t.Fatal(err)
	}
	a := newArchive(t, cfg, kvs.Options{})
	id, err := a.Identity(t.Context())
	if err != nil || id.Key != "…MPLE" || !strings.Contains(id.Source, "Env") || !id.Expires.IsZero() {
		t.Errorf("got %+v, %v; want the end of the key, from the environment", id, err)
	}
	if a.Region() != "eu-west-1" {
		t.Errorf("region %s", a.Region())
	}
	if got, err := a.ControlEndpoint(t.Context()); err != nil || got != "https://kinesisvideo.eu-west-1.amazonaws.com" {
		t.Errorf("endpoint %s, %v", got, err)
	}
	environment(t, region())
	if cfg, err = kvs.LoadConfig(t.Context(), kvs.ConfigOptions{Unchecked: true}); err != nil {
		t.Fatal(err)
	}
	if id, err := newArchive(t, cfg, kvs.Options{}).Identity(t.Context()); !errors.Is(err, archive.ErrCredentials) || id != (kvs.Identity{}) {
		t.Errorf("without credentials: %+v, %v; want %v", id, err, archive.ErrCredentials)
	}
	if got := kvs.Account(archive.Stream{ARN: "arn:aws:kinesisvideo:eu-west-1:123456789012:stream/door/1"}); got != "123456789012" {
		t.Errorf("account %q", got)
	}
}

func TestGreetIsUnsignedAndTellsTheClock(t *testing.T) {
	dates := []string{"", time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)}
	date := dates[0]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.URL.Path != "/listStreams" {
			t.Errorf("%s %s with %v: want a call without a signature", r.Method, r.URL, r.Header)
		}
		w.Header()["Date"] = nil
		if date != "" {
			w.Header().Set("Date", date)
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	environment(t, both(keys(), region()))
	cfg, err := kvs.LoadConfig(t.Context(), kvs.ConfigOptions{EndpointURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	a := newArchive(t, cfg, kvs.Options{})
	if g, err := a.Greet(t.Context()); err != nil || g.Dated {
		t.Errorf("no date: %+v, %v", g, err)
	}
	date = dates[1]
	if g, err := a.Greet(t.Context()); err != nil || !g.Dated || g.Ahead < 9*time.Minute || g.Ahead > 11*time.Minute {
		t.Errorf("ten minutes ahead: %+v, %v", g, err)
	}
	server.Close()
	if _, err := a.Greet(t.Context()); !errors.Is(err, archive.ErrUnreachable) {
		t.Errorf("nobody there: %v, want %v", err, archive.ErrUnreachable)
	}
}
