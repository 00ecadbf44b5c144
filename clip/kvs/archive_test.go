package kvs_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/clip/quota"
)

func TestPayloadOnTheWire(t *testing.T) {
	for _, tc := range []struct {
		name     string
		selector archive.Selector
		want     map[string]any
	}{
		{
			name: "producer time, by name",
			want: map[string]any{"StreamName": "door", "ClipFragmentSelector": map[string]any{
				"FragmentSelectorType": "PRODUCER_TIMESTAMP",
				"TimestampRange":       map[string]any{"StartTimestamp": 1704103200.005, "EndTimestamp": 1704103260.004},
			}},
		},
		{
			name:     "server time",
			selector: archive.ByServer,
			want: map[string]any{
				"StreamName": "door",
				"ClipFragmentSelector": map[string]any{
					"FragmentSelectorType": "SERVER_TIMESTAMP",
					"TimestampRange":       map[string]any{"StartTimestamp": 1704103200.005, "EndTimestamp": 1704103260.004},
				},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newService()
			s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { clipBody(w, "media") }
			a := newArchive(t, config(s), kvs.Options{})
			p, err := a.Payload(t.Context(), archive.PayloadQuery{
				Stream: "door", Selector: tc.selector, Span: archive.NewSpan(start(), time.Minute),
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Body.Close(); err != nil {
				t.Error(err)
			}
			r := s.last(t, "/getClip")
			if diff := cmp.Diff(tc.want, r.body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if r.host != dataURL {
				t.Errorf("host: got %s, want the data endpoint %s", r.host, dataURL)
			}
			if got := r.header.Get("Authorization"); !strings.Contains(got, "/eu-west-1/kinesisvideo/aws4_request") {
				t.Errorf("Authorization: got %q, want the scope of kinesisvideo", got)
			}
			asked := s.last(t, "/getDataEndpoint")
			if asked.body["APIName"] != "GET_CLIP" || asked.host != controlURL {
				t.Errorf("GetDataEndpoint: got %v at %s", asked.body, asked.host)
			}
			if asked.body["StreamName"] != "door" {
				t.Errorf("GetDataEndpoint: got %v, want the stream as GetClip has it", asked.body)
			}
		})
	}
}

func TestStream(t *testing.T) {
	s := newService()
	s.answers["/describeStream"] = func(w http.ResponseWriter, _ request, _ int) {
		_, _ = fmt.Fprint(w, `{"StreamInfo":{"StreamName":"door","StreamARN":"arn:x","CreationTime":1704103200.5,"DataRetentionInHours":48,"Status":"ACTIVE"}}`)
	}
	a := newArchive(t, config(s), kvs.Options{})
	got, err := a.Stream(t.Context(), "door")
	if err != nil {
		t.Fatal(err)
	}
	want := archive.Stream{Name: "door", ARN: "arn:x", Created: time.UnixMilli(1704103200500).UTC(), Retention: 48 * time.Hour}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
}

func TestStreamWithoutInfo(t *testing.T) {
	s := newService()
	s.answers["/describeStream"] = func(w http.ResponseWriter, _ request, _ int) { _, _ = fmt.Fprint(w, `{}`) }
	a := newArchive(t, config(s), kvs.Options{})
	if _, err := a.Stream(t.Context(), "door"); !errors.Is(err, kvs.ErrAnswer) {
		t.Errorf("got %v, want ErrAnswer", err)
	}
}

func TestNamesThatCostNoCall(t *testing.T) {
	s := newService()
	a := newArchive(t, config(s), kvs.Options{})
	for _, name := range []archive.StreamName{"", ".", "..", "a/b", "a b", archive.StreamName(strings.Repeat("x", 257))} {
		if _, err := a.Stream(t.Context(), name); !errors.Is(err, archive.ErrName) {
			t.Errorf("Stream(%q): got %v, want ErrName", name, err)
		}
		if _, err := a.Payload(t.Context(), archive.PayloadQuery{Stream: name}); !errors.Is(err, archive.ErrName) {
			t.Errorf("Payload(%q): got %v, want ErrName", name, err)
		}
		for _, err := range a.Fragments(t.Context(), archive.FragmentQuery{Stream: name}) {
			if !errors.Is(err, archive.ErrName) {
				t.Errorf("Fragments(%q): got %v, want ErrName", name, err)
			}
		}
	}
	for _, length := range []time.Duration{0, -time.Second, 24*time.Hour + time.Millisecond} {
		_, err := a.Payload(t.Context(), archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start(), length)})
		if !errors.Is(err, archive.ErrInvalid) {
			t.Errorf("Payload of %s: got %v, want ErrInvalid", length, err)
		}
	}
	if n := len(s.calls); n != 0 {
		t.Errorf("calls: got %d, want 0", n)
	}
}

func TestStreamsPages(t *testing.T) {
	s := newService()
	s.answers["/listStreams"] = func(w http.ResponseWriter, r request, _ int) {
		switch r.body["NextToken"] {
		case nil:
			_, _ = fmt.Fprint(w, `{"StreamInfoList":[{"StreamName":"a"},{"StreamName":"../etc"},{"StreamName":".."}],"NextToken":"t1"}`)
		case "t1":
			_, _ = fmt.Fprint(w, `{"StreamInfoList":[],"NextToken":"t2"}`)
		default:
			_, _ = fmt.Fprint(w, `{"StreamInfoList":[{"StreamName":"b","DataRetentionInHours":2147483647},{"StreamName":"c","DataRetentionInHours":-1}]}`)
		}
	}
	log := &syncBuffer{}
	a := newArchive(t, config(s), kvs.Options{Logger: logTo(log)})
	var got []archive.Stream
	for stream, err := range a.Streams(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, stream)
	}
	want := []archive.Stream{{Name: "a"}, {Name: "b", Retention: 876000 * time.Hour}, {Name: "c"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	if n := strings.Count(log.String(), "stream left out"); n != 2 {
		t.Errorf("names left out in the log: got %d, want 2\n%s", n, log)
	}
}

func TestStreamsStopEarly(t *testing.T) {
	s := newService()
	s.answers["/listStreams"] = func(w http.ResponseWriter, _ request, n int) {
		_, _ = fmt.Fprintf(w, `{"StreamInfoList":[{"StreamName":"a%d"}],"NextToken":"t%d"}`, n, n)
	}
	a := newArchive(t, config(s), kvs.Options{})
	for _, err := range a.Streams(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if n := s.count("/listStreams"); n != 1 {
		t.Errorf("pages: got %d, want 1", n)
	}
}

func TestNewRefuses(t *testing.T) {
	cfg := config(newService())
	noRegion := cfg
	noRegion.Region = ""
	if _, err := kvs.New(noRegion, kvs.Options{}); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("no region: got %v, want what to set", err)
	}
	if _, err := kvs.New(cfg, kvs.Options{Points: quota.Points{Media: -1}}); !errors.Is(err, archive.ErrInvalid) {
		t.Errorf("negative points: got %v, want ErrInvalid", err)
	}
}
