package mp4_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"clipfs/clip/mp4"
	"clipfs/clip/mp4/mp4test"
)

func TestSetTimes(t *testing.T) {
	base := time.Date(2024, 2, 29, 12, 30, 15, 0, time.UTC)
	wide := time.Date(2041, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name               string
		written, set, want time.Time
		fails              bool
	}{
		{name: "version 0", written: base, set: base.Add(time.Hour), want: base.Add(time.Hour)},
		{name: "cut to the second", written: base, set: base.Add(1999 * time.Millisecond), want: base.Add(time.Second)},
		{name: "of unknown", written: time.Time{}, set: base, want: base},
		{name: "version 1", written: wide, set: base, want: base},
		{name: "version 1, far", written: wide, set: wide.AddDate(200, 0, 0), want: wide.AddDate(200, 0, 0)},
		{name: "last of 32 bits", written: base, set: time.Date(2040, 2, 6, 6, 28, 15, 0, time.UTC),
			want: time.Date(2040, 2, 6, 6, 28, 15, 0, time.UTC)},
		{name: "too late for version 0", written: base, set: wide, fails: true, want: base},
		{name: "other zone", written: base, set: base.In(time.FixedZone("", 7200)), want: base},
	} {
		whole := mp4test.Build(t, mp4test.Small(c.written))
		moov := mp4test.Moov(t, bytes.NewReader(whole))
		before := bytes.Clone(moov)
		if err := mp4.SetTimes(moov, c.set); (err != nil) != c.fails || c.fails && !errors.Is(err, mp4.ErrMalformed) {
			t.Errorf("%s: %v, want failing %t", c.name, err, c.fails)
		}
		m, err := mp4.ParseMovie(moov)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		times := []time.Time{m.Created, m.Modified}
		for _, track := range m.Tracks {
			times = append(times, track.Created, track.Modified)
		}
		for i, got := range times {
			if !got.Equal(c.want) {
				t.Errorf("%s: time %d is %v, want %v", c.name, i, got, c.want)
			}
		}
		// Apart from the times nothing is another: setting them back gives the bytes as they were.
		if err := mp4.SetTimes(moov, c.written); err != nil {
			t.Errorf("%s: back: %v", c.name, err)
		}
		if !bytes.Equal(moov, before) {
			t.Errorf("%s: other bytes than times were changed", c.name)
		}
	}
}

// TestSetTimesAgainstWriter checks that patched bytes are those that a writer of the other times writes, mdhd included,
// whose times ParseMovie does not show.
func TestSetTimesAgainstWriter(t *testing.T) {
	a, b := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC), time.Date(2025, 6, 7, 8, 9, 10, 0, time.UTC)
	moov := mp4test.Moov(t, bytes.NewReader(mp4test.Build(t, mp4test.Small(a))))
	if err := mp4.SetTimes(moov, b); err != nil {
		t.Fatal(err)
	}
	if want := mp4test.Moov(t, bytes.NewReader(mp4test.Build(t, mp4test.Small(b)))); !bytes.Equal(moov, want) {
		t.Error("patched moov is not the one written with these times")
	}
}

func TestSetTimesRefuses(t *testing.T) {
	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	good := string(mp4test.Moov(t, bytes.NewReader(mp4test.Build(t, mp4test.Small(now)))))
	mvhd := mp4test.Box("mvhd", "\x00\x00\x00\x00"+"12345678")
	for _, c := range []struct{ name, give string }{
		{"nothing", ""},
		{"another box", mp4test.Box("mdat", mvhd)},
		{"cut", good[:len(good)-1]},
		{"longer", good + "\x00"},
		{"without mvhd", mp4test.Box("moov", mp4test.Box("free", ""))},
		{"empty mvhd", mp4test.Box("moov", mp4test.Box("mvhd", ""))},
		{"short mvhd", mp4test.Box("moov", mp4test.Box("mvhd", "\x00\x00\x00\x00"+"1234567"))},
		{"short mvhd of version 1", mp4test.Box("moov", mp4test.Box("mvhd", "\x01\x00\x00\x00"+"123456789012345"))},
		{"broken trak", mp4test.Box("moov", mvhd+mp4test.Box("trak", "\x00\x00\x00\x09tkhd"))},
		{"short mdhd", mp4test.Box("moov", mvhd+mp4test.Box("trak", mp4test.Box("mdia", mp4test.Box("mdhd", "\x00\x00\x00\x00"))))},
	} {
		moov := []byte(c.give)
		if err := mp4.SetTimes(moov, now); !errors.Is(err, mp4.ErrMalformed) {
			t.Errorf("%s: got %v, want %v", c.name, err, mp4.ErrMalformed)
		}
		if string(moov) != c.give {
			t.Errorf("%s: bytes were changed in spite of the error", c.name)
		}
	}
}
