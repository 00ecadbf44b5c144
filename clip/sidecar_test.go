package clip_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestSidecarIsJSON: whatever the archive says of fragments, the text is JSON that says it too.
func TestSidecarIsJSON(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	m := memory.New()
	at := memory.Base()
	for i := range 500 {
		m.Record("cam", at, 1, time.Second)
		f := &m.Recorded["cam"][i]
		f.Length = time.Duration(random.Int64N(20_000)) * time.Millisecond
		f.Size = random.Int64N(1 << random.IntN(40))
		switch i % 50 {
		case 1:
			f.ID = "with \"quotes\" and \\ and \x01 and é"
		case 2:
			f.Length += 12_345 // nanoseconds
		case 3:
			f.Length = 0
		case 4:
			f.Server = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
		case 5:
			f.Server = time.Time{}
		}
		at = at.Add(f.Length + time.Duration(1+random.IntN(3000))*time.Millisecond)
	}
	l, _ := library(t, m, clip.Options{})
	text := sidecarOf(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 2*time.Hour)))
	var got struct {
		Fragments []struct {
			Number archive.FragmentID
			Length float64 `json:"length_seconds"`
			Bytes  int64
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Fragments) != 500 {
		t.Fatalf("%d fragments", len(got.Fragments))
	}
	for i, f := range got.Fragments {
		want := m.Recorded["cam"][i]
		if f.Number != want.ID || f.Bytes != want.Size || time.Duration(math.Round(f.Length*1e9)) != want.Length {
			t.Errorf("fragment %d: got %+v, want %+v", i, f, want)
		}
	}
}
