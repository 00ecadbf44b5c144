package ts_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/asticode/go-astits"

	"clipfs/clip/ts"
)

// avcC is a record with a parameter set of each kind and lengths of so many bytes.
func avcC(lengthSize byte) []byte {
	return []byte{1, 0x64, 0, 0x1f, 0xfc | (lengthSize - 1), 0xe1, 0, 3, 0x67, 1, 2, 1, 0, 2, 0x68, 3}
}

// sets are its parameter sets with start codes.
var sets = []byte{0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3} //nolint:gochecknoglobals // the expected value of several tests

// lc48 is the AudioSpecificConfig of AAC-LC, 48 kHz, two channels.
func lc48() []byte { return []byte{0x11, 0x90} }

// film is some units with their bytes as they stand in an MP4 file.
type film struct {
	streams ts.Streams
	units   []ts.Unit
	bytes   [][]byte
}

// source gives the bytes of a unit.
func (f *film) source(_ context.Context, unit int, p []byte) error {
	if len(p) != len(f.bytes[unit]) {
		return errors.New("another size than that of the unit")
	}
	copy(p, f.bytes[unit])
	return nil
}

// nal gives a NAL unit behind its length, of a kind that is no delimiter, without start codes in it.
func nal(r *rand.Rand, size int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(size))
	b = append(b, 0x65)
	for range size - 1 {
		b = append(b, byte(r.IntN(255)+1))
	}
	return b
}

// makeFilm makes pictures of many sizes, reordered, and sound beside them.
func makeFilm(t *testing.T, r *rand.Rand, pictures int) *film {
	t.Helper()
	video, err := ts.AVC(avcC(4))
	if err != nil {
		t.Fatal(err)
	}
	sound, err := ts.NewSound(lc48())
	if err != nil {
		t.Fatal(err)
	}
	f := &film{streams: ts.Streams{Video: []*ts.Video{video}, Sound: []*ts.Sound{sound}}}
	add := func(u ts.Unit, b []byte) {
		u.Size = len(b)
		f.units, f.bytes = append(f.units, u), append(f.bytes, b)
	}
	for i := range pictures {
		b := nal(r, 1+r.IntN(1000))
		for range r.IntN(3) {
			b = append(b, nal(r, 1+r.IntN(400))...)
		}
		dts := int64(i) * 3000
		add(ts.Unit{Key: i%10 == 0, DTS: dts - 6000, PTS: dts + int64(i%3)*3000 - 6000}, b)
	}
	for at := int64(0); at < int64(pictures)*3000; at += 1920 {
		b := make([]byte, 1+r.IntN(700))
		for k := range b {
			b[k] = byte(r.Uint32())
		}
		add(ts.Unit{Sound: true, DTS: at, PTS: at}, b)
	}
	return f
}

// whole reads all of a segment.
func whole(t *testing.T, f *film) (*ts.Segment, []byte) {
	t.Helper()
	s, err := ts.Plan(f.streams, f.units)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, s.Size())
	if n, err := s.Reader(f.source).ReadAt(t.Context(), b, 0); n != len(b) || err != nil {
		t.Fatalf("%d bytes of %d, %v", n, len(b), err)
	}
	return s, b
}

// TestDemuxed: an independent demuxer finds each unit once, in order, with its times, its bytes and what stands before them.
func TestDemuxed(t *testing.T) {
	for seed := range uint64(20) {
		f := makeFilm(t, rand.New(rand.NewPCG(seed, 1)), 1+int(seed)*7)
		_, b := whole(t, f)
		video, sound := demux(t, b)
		pictures := 0
		for i, u := range f.units {
			if u.Sound {
				got := sound[i-pictures]
				header := got.Data[:7]
				if n := int(header[3]&3)<<11 | int(header[4])<<3 | int(header[5])>>5; header[0] != 0xff || n != len(got.Data) {
					t.Fatalf("seed %d, frame %d: header %x, length %d", seed, i, header, n)
				}
				checkUnit(t, u, got, f.bytes[i], got.Data[7:])
				continue
			}
			pictures++
			want := []byte{0, 0, 0, 1, 9, 0xf0}
			if u.Key {
				want = append(want, sets...)
			}
			want = append(want, annexB(f.bytes[i])...)
			checkUnit(t, u, video[i], want, video[i].Data)
		}
		if len(video) != pictures || len(sound) != len(f.units)-pictures {
			t.Errorf("seed %d: %d pictures and %d frames of sound of %d units", seed, len(video), len(sound), len(f.units))
		}
	}
}

// annexB replaces lengths by start codes.
func annexB(sample []byte) []byte {
	var out []byte
	for len(sample) > 0 {
		n := binary.BigEndian.Uint32(sample)
		out = append(append(out, 0, 0, 0, 1), sample[4:4+n]...)
		sample = sample[4+n:]
	}
	return out
}

// checkUnit compares a unit with what came.
func checkUnit(t *testing.T, u ts.Unit, got *astits.PESData, want, data []byte) {
	t.Helper()
	if !bytes.Equal(data, want) {
		t.Fatalf("%d bytes, want %d: %x… %x…", len(data), len(want), data[:min(20, len(data))], want[:min(20, len(want))])
	}
	const mask = 1<<33 - 1
	o := got.Header.OptionalHeader
	dts := o.DTS
	if dts == nil {
		dts = o.PTS
	}
	if o.PTS.Base != u.PTS&mask || dts.Base != u.DTS&mask {
		t.Fatalf("times %d %d, want %d %d", o.PTS.Base, dts.Base, u.PTS&mask, u.DTS&mask)
	}
}

// demux takes a segment apart, and checks what packets say: counters, the clock, where streams begin.
func demux(t *testing.T, b []byte) (video, sound []*astits.PESData) {
	t.Helper()
	packets := astits.NewDemuxer(t.Context(), bytes.NewReader(b))
	counters := make(map[uint16]uint8)
	for {
		p, err := packets.NextPacket()
		if errors.Is(err, astits.ErrNoMorePackets) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		counter, known := counters[p.Header.PID]
		if known && p.Header.ContinuityCounter != (counter+1)&15 {
			t.Fatalf("stream %d: counter %d after %d", p.Header.PID, p.Header.ContinuityCounter, counter)
		}
		counters[p.Header.PID] = p.Header.ContinuityCounter
		if first := !known && p.Header.PID != 0 && p.Header.PID != 0x1000; first &&
			(!p.Header.HasAdaptationField || !p.AdaptationField.DiscontinuityIndicator || !p.AdaptationField.RandomAccessIndicator) {
			t.Errorf("stream %d does not say that it begins", p.Header.PID)
		}
	}
	units := astits.NewDemuxer(t.Context(), bytes.NewReader(b))
	for {
		d, err := units.NextData()
		if errors.Is(err, astits.ErrNoMorePackets) {
			return video, sound
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case d.PES == nil:
		case d.PID == 0x100:
			video = append(video, d.PES)
			clock := d.FirstPacket.AdaptationField.PCR
			dts := d.PES.Header.OptionalHeader.DTS
			if dts == nil {
				dts = d.PES.Header.OptionalHeader.PTS
			}
			if clock == nil || clock.Base != dts.Base {
				t.Fatalf("clock %v, decoding time %v", clock, dts)
			}
		default:
			sound = append(sound, d.PES)
		}
	}
}

// TestReadAnywhere: a read at any place gives what a read of all gives there.
func TestReadAnywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	f := makeFilm(t, r, 40)
	s, all := whole(t, f)
	reader := s.Reader(f.source)
	for range 500 {
		off, n := r.Int64N(s.Size()+10), r.IntN(2000)
		b := make([]byte, n)
		got, err := reader.ReadAt(t.Context(), b, off)
		want := min(int64(n), max(0, s.Size()-off))
		if int64(got) != want || (err != nil) != (want < int64(n)) || err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("%d bytes at %d: %d, %v", n, off, got, err)
		}
		if got > 0 && !bytes.Equal(b[:got], all[off:off+int64(got)]) {
			t.Fatalf("%d bytes at %d differ", n, off)
		}
	}
}

// TestOwnDelimiter: a delimiter that a picture has itself is no second one.
func TestOwnDelimiter(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	f := makeFilm(t, r, 1)
	f.bytes[0] = append([]byte{0, 0, 0, 2, 9, 0x10}, f.bytes[0]...)
	f.units[0].Size = len(f.bytes[0])
	_, b := whole(t, f)
	video, _ := demux(t, b)
	if n := bytes.Count(video[0].Data, []byte{0, 0, 1, 9}); n != 1 {
		t.Errorf("%d delimiters", n)
	}
}

// TestFailures: what a source, a frame or a configuration has wrong is an error, and where possible one before any media is read.
func TestFailures(t *testing.T) {
	f := makeFilm(t, rand.New(rand.NewPCG(7, 8)), 2)
	s, _ := whole(t, f)
	broken := errors.New("broken")
	b := make([]byte, s.Size())
	if _, err := s.Reader(func(context.Context, int, []byte) error { return broken }).ReadAt(t.Context(), b, 0); !errors.Is(err, broken) {
		t.Errorf("a source that fails: %v", err)
	}
	f.bytes[0][0] = 0xff
	if _, err := s.Reader(f.source).ReadAt(t.Context(), b, 0); !errors.Is(err, ts.ErrMalformed) {
		t.Errorf("a picture that is none: %v", err)
	}
	for _, test := range []struct {
		name string
		err  error
		make func() error
	}{
		{"short lengths", ts.ErrUnsupported, func() error { _, err := ts.AVC(avcC(2)); return err }},
		{"a record that ends early", ts.ErrMalformed, func() error { _, err := ts.AVC(avcC(4)[:12]); return err }},
		{"no record", ts.ErrMalformed, func() error { _, err := ts.HEVC(nil); return err }},
		{"sound without a header in ADTS", ts.ErrUnsupported, func() error { _, err := ts.NewSound([]byte{0xf8, 0xe0}); return err }},
		{"no configuration of sound", ts.ErrMalformed, func() error { _, err := ts.NewSound(nil); return err }},
		{"a frame that is too long", ts.ErrUnsupported, func() error {
			_, err := ts.Plan(f.streams, []ts.Unit{{Sound: true, Size: 1 << 13}})
			return err
		}},
		{"sound where there is none", ts.ErrUnsupported, func() error {
			_, err := ts.Plan(ts.Streams{Video: f.streams.Video}, []ts.Unit{{Sound: true, Size: 1}})
			return err
		}},
	} {
		if err := test.make(); !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.name, err, test.err)
		}
	}
}

// FuzzAnnexB: no picture, whatever its bytes, makes a reader panic, and none changes the size of a file.
func FuzzAnnexB(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x65})
	f.Add([]byte{0, 0, 0, 2, 9, 0x10, 0, 0, 0, 1, 0x65})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, sample []byte) {
		if len(sample) == 0 {
			return
		}
		video, err := ts.AVC(avcC(4))
		if err != nil {
			t.Fatal(err)
		}
		s, err := ts.Plan(ts.Streams{Video: []*ts.Video{video}}, []ts.Unit{{Size: len(sample)}})
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, s.Size())
		n, err := s.Reader(func(_ context.Context, _ int, p []byte) error { copy(p, sample); return nil }).ReadAt(t.Context(), b, 0)
		if err == nil && n != len(b) || err != nil && !errors.Is(err, ts.ErrMalformed) {
			t.Errorf("%d bytes of %d, %v", n, len(b), err)
		}
	})
}
