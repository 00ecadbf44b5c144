package clip_test

import (
	"bytes"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// onDisk reads what is told to be on disk of an open clip, and gives how many bytes were.
func onDisk(t *testing.T, h *clip.Handle, want []byte) (n int64) {
	t.Helper()
	for off := int64(0); off < h.Size(); {
		f, at, length := h.OnDisk(off, h.Size()-off)
		if length <= 0 {
			off++
			continue
		}
		p := make([]byte, length)
		if _, err := f.ReadAt(p, at); err != nil || !bytes.Equal(p, want[off:off+length]) {
			t.Fatalf("%d bytes from %d on are not those of the clip: %v", length, off, err)
		}
		off, n = off+length, n+length
	}
	return n
}

// TestOnDiskBeforeARead: where a clip of many parts is on disk is told before any of it was read. It makes no calls and waits for none, so nothing is told
// of what is not there.
func TestOnDiskBeforeARead(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 300, 2*time.Second)
	span := archive.NewSpan(memory.Base(), 10*time.Minute)
	open := func(l *clip.Library) *clip.Handle {
		h, err := lookUp(t, l, "cam", span).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		return h
	}
	l, _ := library(t, m, lazy())
	want, err := readAll(t, lookUp(t, l, "cam", span))
	if err != nil {
		t.Fatal(err)
	}
	h := open(l)
	before, _, _ := m.Calls()
	if n := onDisk(t, h, want); n < h.Size()*9/10 {
		t.Errorf("%d bytes of %d are on disk, want all but what is made of nothing", n, h.Size())
	}
	other, c := library(t, m, lazy())
	h = open(other)
	for c.GiveUpParked() { // what came with the heads
	}
	opened, _, _ := m.Calls()
	if n := onDisk(t, h, want); n > h.Size()/10 {
		t.Errorf("%d bytes of %d are on disk, want no media", n, h.Size())
	}
	if after, _, _ := m.Calls(); after != opened || opened != before+10 {
		t.Errorf("%d calls were made, and %d to open it again", after-opened, opened-before)
	}
}
