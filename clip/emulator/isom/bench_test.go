package isom_test

import (
	"io"
	"testing"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4/mp4test"
)

func BenchmarkNewWriter(b *testing.B) {
	out := mp4test.Day()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := isom.NewWriter(out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteTo(b *testing.B) {
	w, err := isom.NewWriter(mp4test.Day())
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
