package footage_test

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
)

// withDelimiters is H.264 and H.265 with access unit delimiters, parameter sets and other SEI before each key frame.
func withDelimiters() []kind {
	return []kind{
		{name: "h264", file: "a.mp4", rate: "25", video: []string{"-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-threads", "1",
			"-x264-params", "aud=1:repeat-headers=1:nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500"}, codecs: []footage.Codec{footage.H264}},
		{name: "h265", file: "a.mp4", rate: "25", video: []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
			"log-level=none:pools=1:keyint=25:aud=1:repeat-headers=1:hrd=1:vbv-maxrate=500:vbv-bufsize=500"}, codecs: []footage.Codec{footage.H265}},
	}
}

// nalTypes gives the types of the NAL units of a sample.
func nalTypes(t *testing.T, sample []byte, codec footage.Codec) []int {
	t.Helper()
	var types []int
	for len(sample) > 0 {
		if len(sample) < 5 || uint64(binary.BigEndian.Uint32(sample)) > uint64(len(sample)-4) {
			t.Fatalf("NAL unit of %d bytes", len(sample))
		}
		n := binary.BigEndian.Uint32(sample)
		kind := int(sample[4] & 0x1f)
		if codec == footage.H265 {
			kind = int(sample[4] >> 1 & 0x3f)
		}
		types = append(types, kind)
		sample = sample[4+n:]
	}
	return types
}

func FuzzStamp(f *testing.F) {
	m, err := footage.TestCard()
	if err != nil {
		f.Fatal(err)
	}
	first := footage.NewLoop(m, day(), footage.Options{}).Fragments(footage.ByProducer, day(), day())[0].Video()[0].Data
	f.Add(first[:min(len(first), 1500)])
	i := bytes.Index(first, []byte("clipfs"))
	f.Add(first[i-3:])
	f.Add(first[i : i+16]) // no room for a header before the ID
	f.Add(first[i-3 : i+18])
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, codec := range []footage.Codec{footage.H264, footage.H265} {
			at, ok := footage.Stamp(data, codec)
			if ok != !at.IsZero() {
				t.Errorf("got %v, %t", at, ok)
			}
		}
	})
}

// TestSpecStamp: the option reaches the footage.
func TestSpecStamp(t *testing.T) {
	for text, want := range map[string]bool{"a=testcard": true, "a=testcard,nostamp": false} {
		spec, err := footage.ParseSpec(text)
		if err != nil {
			t.Fatal(err)
		}
		source, err := spec.Open(t.Context(), day())
		if err != nil {
			t.Fatal(err)
		}
		frags := source.Fragments(footage.ByProducer, day(), day())
		if len(frags) != 1 {
			t.Fatalf("%s: got %d fragments at a full minute, want 1", text, len(frags))
		}
		if at, ok := footage.Stamp(frags[0].Video()[0].Data, footage.H264); ok != want {
			t.Errorf("%s: got stamp %v, %t, want %t", text, at, ok, want)
		}
	}
}

func TestParseSpec(t *testing.T) {
	start := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		text string
		want footage.Spec
	}{
		{"a=b.mp4", footage.Spec{Name: "a", File: "b.mp4"}},
		{"a=b.mp4@2024-01-01T10:00:00Z", footage.Spec{Name: "a", File: "b.mp4", Start: start}},
		{"a=b.mp4@2024-01-01T10:00:00.250+02:00", footage.Spec{Name: "a", File: "b.mp4", Start: start.Add(250*time.Millisecond - 2*time.Hour)}},
		{"a=b.mp4@2024-01-01T10:00,loop", footage.Spec{Name: "a", File: "b.mp4", Start: start, Loop: true}},
		{"a=b.mp4@2024-01-01T10", footage.Spec{Name: "a", File: "b.mp4", Start: start}},
		{"a=b.mp4@2024-01-01", footage.Spec{Name: "a", File: "b.mp4", Start: start.Add(-10 * time.Hour)}},
		{"a=b.mp4@20240101T100000Z", footage.Spec{Name: "a", File: "b.mp4", Start: start}},
		{"a=b.mp4,nostamp,loop", footage.Spec{Name: "a", File: "b.mp4", Loop: true, NoStamp: true}},
		{"a=b,loop.mp4", footage.Spec{Name: "a", File: "b,loop.mp4"}},
		{"a=b@home.mp4", footage.Spec{Name: "a", File: "b@home.mp4"}},
		{"a=b@home.mp4@2024-01-01T10:00", footage.Spec{Name: "a", File: "b@home.mp4", Start: start}},
		{"a=x=y.mp4", footage.Spec{Name: "a", File: "x=y.mp4"}},
		{"cam_1.front-door=testcard", footage.Spec{Name: "cam_1.front-door", Loop: true}},
		{"a=testcard,nostamp", footage.Spec{Name: "a", Loop: true, NoStamp: true}},
		{"a=./testcard", footage.Spec{Name: "a", File: "./testcard"}},
	}
	for _, tt := range tests {
		if got, err := footage.ParseSpec(tt.text); err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "a", "=b", "a=", "a=@2024-01-01", "a=,loop", "a b=c", "ü=c"} {
		if got, err := footage.ParseSpec(text); err == nil {
			t.Errorf("%s: got %+v, want an error", text, got)
		}
	}
}

func TestSpecOpen(t *testing.T) {
	name := kinds()[6].make(t, "3")
	now := day().Add(777 * time.Millisecond)
	hour := func(source footage.Source) []footage.Fragment {
		return source.Fragments(footage.ByProducer, day().Add(-time.Hour), day().Add(time.Hour))
	}
	tests := []struct {
		text  string
		first time.Time
		count int
	}{
		{"a=" + name, now.Add(-3 * time.Second), 3},
		{"a=" + name + "@2024-01-01T09:30", day().Add(-30 * time.Minute), 3},
		{"a=" + name + "@2024-01-01T09:30,loop", day().Add(-30 * time.Minute), 90*60 + 1},
		{"a=" + name + ",loop", day().Add(-time.Hour), 2*60*60 + 1},
	}
	for _, tt := range tests {
		spec, err := footage.ParseSpec(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		source, err := spec.Open(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if got := hour(source); len(got) != tt.count || !got[0].Producer.Equal(tt.first) {
			t.Errorf("%s: got %d fragments, want %d from %v", tt.text, len(got), tt.count, tt.first)
		}
	}
	missing := footage.Spec{Name: "a", File: filepath.Join(t.TempDir(), "missing")}
	if _, err := missing.Open(t.Context(), now); err == nil {
		t.Error("a missing file was opened")
	}
}
