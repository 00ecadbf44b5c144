package kvs_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/wire"
	"clipfs/clip/kvs"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// emulate starts the emulator with the test card, two hours of it, and more streams than a page has.
func emulate(t *testing.T, o emulator.Options) *emulator.Server {
	t.Helper()
	card, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	streams := []emulator.Stream{{Name: "door", Source: footage.NewLoop(card, time.Unix(0, 0), footage.Options{})}}
	for i := range 25 {
		streams = append(streams, emulator.Stream{Name: wire.StreamName("empty-" + string(rune('a'+i)))})
	}
	return serveStreams(t, o, streams...)
}

// emulated gives an archive on an emulator, signing with a secret that the emulator verifies.
func emulated(t *testing.T, server *emulator.Server, secret string, o kvs.Options) *kvs.Archive {
	t.Helper()
	return newArchive(t, signed(server, secret), o)
}

// signed gives the configuration of a client of an emulator.
func signed(server *emulator.Server, secret string) aws.Config {
	return aws.Config{
		Region:       "eu-west-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", secret, ""),
		BaseEndpoint: aws.String(server.Endpoint()),
	}
}

// recent is a span of whole minutes that ended a few minutes ago.
func recent(length time.Duration) archive.Span {
	return archive.NewSpan(time.Now().Truncate(time.Minute).Add(-5*time.Minute-length), length)
}

func TestEmulatorStreams(t *testing.T) {
	server := emulate(t, emulator.Options{})
	a := emulated(t, server, secretKey, kvs.Options{})
	var names []archive.StreamName
	for s, err := range a.Streams(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, s.Name)
	}
	if len(names) != 26 || !slices.Contains(names, "door") {
		t.Errorf("streams: got %v, want door and 25 more", names)
	}
	s, err := a.Stream(t.Context(), "door")
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "door" || s.Retention != 2*time.Hour || s.ARN == "" || s.Created.IsZero() {
		t.Errorf("stream: got %+v", s)
	}
	if _, err := a.Stream(t.Context(), "nobody"); !errors.Is(err, archive.ErrNoStream) {
		t.Errorf("stream nobody: got %v, want ErrNoStream", err)
	}
	p, err := a.Payload(t.Context(), archive.PayloadQuery{Stream: "door", Span: recent(10 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestEmulatorFragments(t *testing.T) {
	a := emulated(t, emulate(t, emulator.Options{}), secretKey, kvs.Options{})
	const length = 50 * time.Minute // 1,500 fragments of 2 s: two pages
	for _, selector := range []archive.Selector{archive.ByProducer, archive.ByServer} {
		span := recent(length)
		seen := map[archive.FragmentID]bool{}
		for f, err := range a.Fragments(t.Context(), archive.FragmentQuery{Stream: "door", Selector: selector, Span: span}) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[f.ID] || !span.Contains(f.Time(selector)) || f.Size <= 0 || f.Length <= 0 || f.Length > 2*time.Second {
				t.Errorf("by %s: fragment %+v is twice, outside of %s or odd", selector, f, span)
			}
			seen[f.ID] = true
		}
		if want := int(length / (2 * time.Second)); len(seen) != want {
			t.Errorf("by %s: got %d fragments, want %d", selector, len(seen), want)
		}
	}
}

func TestEmulatorPayload(t *testing.T) {
	for _, chunked := range []bool{false, true} {
		a := emulated(t, emulate(t, emulator.Options{Chunked: chunked}), secretKey, kvs.Options{})
		p, err := a.Payload(t.Context(), archive.PayloadQuery{Stream: "door", Span: recent(time.Minute), Fragments: 30})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p.Body)
		if err != nil || len(got) < 8 || !bytes.Equal(got[4:8], []byte("ftyp")) {
			t.Errorf("chunked %t: got %d bytes, %v, want an MP4 file", chunked, len(got), err)
		}
		if want := int64(len(got)); chunked && p.Length != -1 || !chunked && p.Length != want {
			t.Errorf("chunked %t: length: got %d for %d bytes", chunked, p.Length, want)
		}
		if err := p.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestEmulatorSpanIsHalfOpen(t *testing.T) {
	server := emulate(t, emulator.Options{})
	a := emulated(t, server, secretKey, kvs.Options{})
	at := recent(time.Minute).Start // the card has a fragment at every even second
	for _, tc := range []struct {
		length time.Duration
		want   int64
	}{{time.Minute, 30}, {2 * time.Second, 1}, {2*time.Second + time.Millisecond, 2}, {time.Millisecond, 1}} {
		server.ResetCalls()
		p, err := a.Payload(t.Context(), archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(at, tc.length)})
		if err != nil {
			t.Fatalf("%s: %v", tc.length, err)
		}
		if _, err := io.Copy(io.Discard, p.Body); err != nil {
			t.Error(err)
		}
		if err := p.Body.Close(); err != nil {
			t.Error(err)
		}
		var got int64
		for _, c := range server.Calls() {
			if c.API == wire.GetClip {
				got += c.Fragments
			}
		}
		if got != tc.want {
			t.Errorf("%s: got %d fragments, want %d", tc.length, got, tc.want)
		}
	}
}

func TestEmulatorErrors(t *testing.T) {
	server := emulate(t, emulator.Options{})
	a := emulated(t, server, secretKey, kvs.Options{})
	for _, tc := range []struct {
		name   string
		a      *kvs.Archive
		stream archive.StreamName
		span   archive.Span
		want   error
	}{
		{"no footage", a, "empty-a", recent(time.Minute), archive.ErrNoFootage},
		{"between two fragments", a, "door", archive.NewSpan(recent(time.Minute).Start.Add(time.Second), 500*time.Millisecond), archive.ErrNoFootage},
		{"no stream", a, "nobody", recent(time.Minute), archive.ErrNoStream},
		{"wrong secret", emulated(t, server, "wrong", kvs.Options{}), "door", recent(time.Minute), archive.ErrDenied},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := tc.a.Payload(t.Context(), archive.PayloadQuery{Stream: tc.stream, Span: tc.span})
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
