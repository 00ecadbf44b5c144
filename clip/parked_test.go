package clip_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// Sizes of a fragment and a part that are more than what a download brings with its head.
const (
	some     = 12_000
	somePart = 30 * some
)

// TestParkedBodiesAreTakenUp: who reads a clip from the front after opening it, one that is too large to be fetched whole
// without being asked for, is given the bodies whose heads were looked at, and no part is called for twice. Opening reads
// no media, and no more bodies are read at once than downloads may run.
func TestParkedBodiesAreTakenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, h := film(t, clip.Options{Eager: -1}, some)
		defer func() { _ = h.Close() }()
		time.Sleep(5 * time.Second)
		if got, most := m.Sent(), int64(60*(onItsWay+8<<10)); got > most {
			t.Errorf("opening read %d bytes, want at most %d", got, most)
		}
		m.Change(func() { m.MostReading = 0 })
		read(t, h, 0, h.Size())
		if calls, _, _ := m.Calls(); calls != 60 {
			t.Errorf("%d GetClip calls, want one for each of 60 parts", calls)
		}
		if got, most := m.Sent(), h.Size()+60*8<<10; got > most {
			t.Errorf("%d bytes read, want at most %d", got, most)
		}
		if m.MostReading < 8 || m.MostReading > clip.DefaultConnections+2 {
			t.Errorf("%d bodies were read at once, want about %d", m.MostReading, clip.DefaultConnections)
		}
	})
}

// TestParkedBodiesAreBounded: four times as many bodies as downloads may run are kept, those of the beginning of the file,
// and after ten seconds none.
func TestParkedBodiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, h := film(t, clip.Options{Eager: -1, ReadAhead: -1, Connections: 4}, some)
		defer func() { _ = h.Close() }()
		head := h.Size() - 60*somePart
		const kept = 16
		for part := range int64(kept + 4) {
			before, _, _ := m.Calls()
			read(t, h, head+part*somePart, 64<<10)
			after, _, _ := m.Calls()
			if want := part >= kept; after-before > 0 != want {
				t.Errorf("part %d: %d GetClip calls when it is read, want any: %t", part, after-before, want)
			}
		}
		time.Sleep(11 * time.Second)
		before, _, _ := m.Calls()
		read(t, h, head+somePart, 64<<10)
		if after, _, _ := m.Calls(); after != before+1 {
			t.Errorf("a body that was left for long was called for %d times, want once", after-before)
		}
	})
}

// TestParkedForAnotherClip: the bodies of a clip that is opened later are kept rather than those of one before.
func TestParkedForAnotherClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l, h := film(t, clip.Options{Eager: -1, ReadAhead: -1, Connections: 4}, some)
		defer func() { _ = h.Close() }()
		m.Record("other", memory.Base(), 600, 2*time.Second)
		for i := range m.Recorded["other"] {
			m.Recorded["other"][i].Size = some
		}
		other, err := lookUp(t, l, "other", archive.NewSpan(memory.Base(), 20*time.Minute)).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Close() }()
		before, _, _ := m.Calls()
		read(t, other, other.Size()-20*somePart, 15*somePart)
		if after, _, _ := m.Calls(); after != before {
			t.Errorf("%d GetClip calls for the beginning of the clip opened last, want none", after-before)
		}
	})
}
