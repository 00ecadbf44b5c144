package mp4_test

import (
	"bytes"
	"io"
	"testing"

	"clipfs/clip/mp4"
)

// day is a movie of 24 h at 30 pictures a second with B-frames, and AAC at 48 kHz, in chunks of 2 s, whose media is all
// zeros of one slice.
func day() mp4.Output {
	const pictures, frames, seconds = 60, 94, 2
	media := make([]byte, 1<<20)
	out := mp4.Output{Tracks: []mp4.OutputTrack{
		{Handler: mp4.HandlerVideo, Timescale: 1000, Width: 1280, Height: 720,
			Entries: [][]byte{mp4.NewAVCEntry(make([]byte, 40), 1280, 720)}},
		{Handler: mp4.HandlerSound, Timescale: 48000, Entries: [][]byte{mp4.NewAACEntry([]byte{0x11, 0x90}, 48000, 2)}},
	}}
	for range 24 * 3600 / seconds {
		var size [2]uint32
		for i := range uint32(pictures) {
			run := mp4.SampleRun{
				Count: 1, Duration: 33 + i%3/2, Offset: int32(i%3) * 33, Size: 100 + i*7919%900, Sync: i == 0,
			}
			size[0] += run.Size
			out.Tracks[0].Samples = append(out.Tracks[0].Samples, run)
		}
		for i := range uint32(frames) {
			run := mp4.SampleRun{Count: 1, Duration: 1024, Size: 100 + i*31%90, Sync: true}
			size[1] += run.Size
			out.Tracks[1].Samples = append(out.Tracks[1].Samples, run)
		}
		out.Chunks = append(out.Chunks,
			mp4.OutputChunk{Track: 0, Samples: pictures, Data: mp4.Slices{media[:size[0]]}},
			mp4.OutputChunk{Track: 1, Samples: frames, Data: mp4.Slices{media[:size[1]]}})
	}
	return out
}

// dayMoov gives the moov of day.
func dayMoov(b *testing.B) []byte {
	b.Helper()
	w, err := mp4.NewWriter(day())
	if err != nil {
		b.Fatal(err)
	}
	r, p := io.Pipe()
	go func() {
		_, err := w.WriteTo(p)
		_ = p.CloseWithError(err) // always nil
	}()
	moov := findMoov(b, r)
	_ = r.Close() // ends the goroutine; always nil
	return moov
}

func BenchmarkParseMovie(b *testing.B) {
	moov := dayMoov(b)
	b.SetBytes(int64(len(moov)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mp4.ParseMovie(moov); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSamples(b *testing.B) {
	moov := dayMoov(b)
	m, err := mp4.ParseMovie(moov)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, t := range m.Tracks {
			for _, err := range t.Samples() {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
		b.ReportMetric(float64(n), "samples/op")
	}
}

func BenchmarkChunks(b *testing.B) {
	m, err := mp4.ParseMovie(dayMoov(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.MediaEnd(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewWriter(b *testing.B) {
	out := day()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mp4.NewWriter(out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteTo(b *testing.B) {
	w, err := mp4.NewWriter(day())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(w.Size())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScanner(b *testing.B) {
	file := build(b, small(fixed()))
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		s := mp4.NewScanner(bytes.NewReader(file))
		for {
			if _, err := s.Next(); err != nil {
				break
			}
		}
	}
}
