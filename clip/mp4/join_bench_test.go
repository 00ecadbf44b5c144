package mp4_test

import (
	"bytes"
	"io"
	"runtime"
	"testing"
	"time"

	"clipfs/clip/mp4"
)

// storedHead is a head that is parsed anew each time, as one on disk is.
type storedHead []byte

// Open implements mp4.Head.
func (h storedHead) Open() (*mp4.Movie, error) { return mp4.ParseMovie(h) }

// dayParts gives the heads of 24 h in parts of 2 min: 30 pictures a second with B-frames, AAC at 48 kHz.
func dayParts(b *testing.B) []mp4.Part {
	b.Helper()
	const minutes = 2
	out := day()
	for k, n := range []int{minutes * 60 * 30, minutes * 30 * 94} {
		out.Tracks[k].Samples = out.Tracks[k].Samples[:n]
	}
	out.Chunks = out.Chunks[:minutes*60]
	w, err := mp4.NewWriter(out)
	if err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := w.WriteTo(&file); err != nil {
		b.Fatal(err)
	}
	moov := findMoov(b, &file)
	var parts []mp4.Part
	for i := range 24 * 60 / minutes {
		parts = append(parts, mp4.Part{Head: storedHead(moov), Start: time.Duration(i) * minutes * time.Minute})
	}
	return parts
}

// BenchmarkJoinDay plans and writes the head of a clip of 24 h.
func BenchmarkJoinDay(b *testing.B) { benchmarkJoin(b, dayParts(b), mp4.JoinOptions{}) }

// BenchmarkJoinDayLaw does it for A-law at 8 kHz with a kept gap, and 5 pictures a second.
func BenchmarkJoinDayLaw(b *testing.B) {
	benchmarkJoin(b, dayOfLaw(b), mp4.JoinOptions{Gaps: mp4.KeepGaps})
}

// benchmarkJoin plans a clip and writes its head. It reports the head's size and the heap that the plan holds.
func benchmarkJoin(b *testing.B, parts []mp4.Part, o mp4.JoinOptions) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		j, err := mp4.Join(parts, o)
		if err != nil {
			b.Fatal(err)
		}
		if err := j.WriteHead(io.Discard); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(j.HeadSize())/1e6, "MB-head")
		b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1e6, "MB-held")
		runtime.KeepAlive(j)
	}
}
