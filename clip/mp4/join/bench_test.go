package join_test

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// parsed is a head that is parsed again each time, as one on disk is.
func parsed(moov []byte) func(context.Context) (*mp4.Movie, error) {
	return func(context.Context) (*mp4.Movie, error) { return mp4.ParseMovie(moov) }
}

// held is a head in memory.
func held(m *mp4.Movie) func(context.Context) (*mp4.Movie, error) {
	return func(context.Context) (*mp4.Movie, error) { return m, nil }
}

// head is the head of a part, which is held.
func head(p join.Part) *mp4.Movie {
	m, _ := p.Head(context.Background()) // it does not fail
	return m
}

// dayParts gives the heads of 24 h in parts of 2 min: 30 pictures a second with B-frames, AAC at 48 kHz.
func dayParts(b *testing.B) []join.Part {
	b.Helper()
	const minutes = 2
	out := mp4test.Day()
	for k, n := range []int{minutes * 60 * 30, minutes * 30 * 94} {
		out.Tracks[k].Samples = out.Tracks[k].Samples[:n]
	}
	out.Chunks = out.Chunks[:minutes*60]
	w, err := isom.NewWriter(out)
	if err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := w.WriteTo(&file); err != nil {
		b.Fatal(err)
	}
	moov := mp4test.Moov(b, &file)
	var parts []join.Part
	for i := range 24 * 60 / minutes {
		parts = append(parts, join.Part{Head: parsed(moov), Start: time.Duration(i) * minutes * time.Minute})
	}
	return parts
}

// BenchmarkJoinDay plans and writes the head of a clip of 24 h.
func BenchmarkJoinDay(b *testing.B) { benchmarkJoin(b, dayParts(b), join.Options{}) }

// BenchmarkJoinDayLaw does it for A-law at 8 kHz with a kept gap, and 5 pictures a second.
func BenchmarkJoinDayLaw(b *testing.B) {
	benchmarkJoin(b, dayOfLaw(b), join.Options{Gaps: join.KeepGaps})
}

// benchmarkJoin plans a clip and writes its head. It reports the head's size and the heap that the plan holds.
func benchmarkJoin(b *testing.B, parts []join.Part, o join.Options) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		j, err := join.Make(b.Context(), parts, o)
		if err != nil {
			b.Fatal(err)
		}
		if err := j.WriteHead(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(j.HeadSize())/1e6, "MB-head")
		b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1e6, "MB-held")
		runtime.KeepAlive(j)
	}
}
