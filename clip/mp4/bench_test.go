package mp4_test

import (
	"bytes"
	"io"
	"testing"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/mp4test"
)

// dayMoov gives the moov of day.
func dayMoov(b *testing.B) []byte {
	b.Helper()
	w, err := isom.NewWriter(mp4test.Day())
	if err != nil {
		b.Fatal(err)
	}
	r, p := io.Pipe()
	go func() {
		_, err := w.WriteTo(p)
		_ = p.CloseWithError(err) // always nil
	}()
	moov := mp4test.Moov(b, r)
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

func BenchmarkScanner(b *testing.B) {
	file := mp4test.Build(b, mp4test.Small(mp4test.Fixed()))
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
