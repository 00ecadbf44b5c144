package isom_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/mp4test"

	"github.com/google/go-cmp/cmp"
)

// TestRoundTrip writes a movie and reads back every field of it.
func TestRoundTrip(t *testing.T) {
	created := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	for _, last := range []bool{false, true} {
		out := mp4test.Small(created)
		out.MoovLast = last
		file := mp4test.Build(t, out)
		m := mp4test.Parse(t, bytes.NewReader(file))
		if !m.Created.Equal(created) || !m.Modified.Equal(created) || m.Timescale != 1000 || m.Duration != 200 || m.Fragmented {
			t.Errorf("movie %+v", m)
		}
		if m.Video() != m.Tracks[0] || m.Sound() != m.Tracks[1] || len(m.Tracks) != 2 {
			t.Fatalf("tracks %v", m.Tracks)
		}
		for i, track := range m.Tracks {
			want := out.Tracks[i]
			language := want.Language
			if language == "" {
				language = "und"
			}
			got := fmt.Sprint(track.ID, track.Flags, track.Width, track.Height, track.Timescale, track.Language, track.Handler,
				track.HandlerName, len(track.Entries))
			if want := fmt.Sprint(i+1, mp4.TrackEnabled|mp4.TrackInMovie, want.Width, want.Height, want.Timescale, language,
				want.Handler, want.Name, len(want.Entries)); got != want {
				t.Errorf("track %d: got %s, want %s", i, got, want)
			}
			var edits []isom.Edit
			for _, e := range track.Edits {
				if e.Rate != mp4.EditRate {
					t.Errorf("track %d: edit at rate %#x", i, e.Rate)
				}
				edits = append(edits, isom.Edit{Duration: e.Duration, MediaTime: e.MediaTime})
			}
			if diff := cmp.Diff(want.Edits, edits); diff != "" {
				t.Errorf("track %d: edits (-want +got):\n%s", i, diff)
			}
			if got, want := track.Entries[0].Raw, want.Entries[0]; !bytes.Equal(got, want) {
				t.Errorf("track %d: entry % x, want % x", i, got, want)
			}
		}
		if v := m.Tracks[0]; v.Duration != 193 || v.MediaDuration != 193 {
			t.Errorf("video lasts %d, %d, want 193", v.Duration, v.MediaDuration)
		}
		if s := m.Tracks[1]; s.Duration != 200 || s.MediaDuration != 1600 || s.Sizes.Constant() != 1 || s.Durations.Len() != 1 {
			t.Errorf("sound %+v, want 200 ms, 1600 ticks, runs", s)
		}
		checkSamples(t, file, out)
	}
}

// checkSamples compares a file with the output that it was made from, sample by sample, by a plain model.
func checkSamples(t *testing.T, file []byte, out isom.Output) {
	t.Helper()
	m := mp4test.Parse(t, bytes.NewReader(file))
	media := bytes.Index(file, []byte("mdat")) + 4
	at := int64(media)
	perTrack := make([][]mp4.Sample, len(out.Tracks))
	perChunk := make([][]mp4.Chunk, len(out.Tracks))
	flat := make([][]isom.SampleRun, len(out.Tracks))
	for i, track := range out.Tracks {
		for _, r := range track.Samples {
			for range r.Count {
				flat[i] = append(flat[i], r)
			}
		}
	}
	dts := make([]int64, len(out.Tracks))
	for _, c := range out.Chunks {
		k := c.Track
		chunk := mp4.Chunk{
			Position: at, Size: c.Data.Size(), First: uint32(len(perTrack[k])), Samples: c.Samples, Entry: c.Entry, DTS: dts[k],
		}
		for _, r := range flat[k][chunk.First:][:c.Samples] {
			perTrack[k] = append(perTrack[k], mp4.Sample{
				DTS: dts[k], Offset: r.Offset, Duration: r.Duration, Size: r.Size, Position: at, Sync: r.Sync, Entry: c.Entry,
			})
			dts[k] += int64(r.Duration)
			at += int64(r.Size)
		}
		chunk.Duration = dts[k] - chunk.DTS
		perChunk[k] = append(perChunk[k], chunk)
	}
	for i, track := range m.Tracks {
		if diff := cmp.Diff(perTrack[i], mp4test.Samples(t, track)); diff != "" {
			t.Errorf("track %d: samples (-want +got):\n%s", i, diff)
		}
		if diff := cmp.Diff(perChunk[i], mp4test.Chunks(t, track)); diff != "" {
			t.Errorf("track %d: chunks (-want +got):\n%s", i, diff)
		}
	}
	wantEnd := at
	if len(out.Chunks) == 0 {
		wantEnd = 0
	}
	if end, err := m.MediaEnd(); err != nil || end != wantEnd {
		t.Errorf("media ends at %d, %v, want %d", end, err, wantEnd)
	}
	var want bytes.Buffer
	for _, c := range out.Chunks {
		if _, err := c.Data.WriteTo(&want); err != nil {
			t.Fatal(err)
		}
	}
	if got := file[media:at]; !bytes.Equal(got, want.Bytes()) {
		t.Error("media is not the chunks in order")
	}
}

// TestRoundTripRandom writes random movies and compares what is read with a plain model.
func TestRoundTripRandom(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 2))
		out := randomOutput(r)
		checkSamples(t, mp4test.Build(t, out), out)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// randomOutput makes up a movie of up to three tracks.
func randomOutput(r *rand.Rand) isom.Output {
	out := isom.Output{MoovLast: r.IntN(2) == 0}
	left := []int{}
	var sizes [][]uint32
	for range 1 + r.IntN(3) {
		track := isom.OutputTrack{
			Handler: isom.Sound, Timescale: 1 + r.Uint32N(90000),
			Entries: [][]byte{isom.NewG711Entry(isom.ALaw, 8000, 1), isom.NewAACEntry([]byte{0x12, 0x10}, 44100, 2)},
		}
		constant, allSync, total := r.IntN(3) == 0, r.IntN(3) == 0, 0
		var of []uint32
		for range r.IntN(30) {
			run := isom.SampleRun{
				Count: r.Uint32N(4), Duration: r.Uint32N(3), Offset: r.Int32N(5) - 2, Size: r.Uint32N(20),
				Sync: allSync || r.IntN(4) == 0,
			}
			if constant {
				run.Size, run.Offset = 3, 0
			}
			track.Samples = append(track.Samples, run)
			total += int(run.Count)
			for range run.Count {
				of = append(of, run.Size)
			}
		}
		out.Tracks = append(out.Tracks, track)
		left, sizes = append(left, total), append(sizes, of)
	}
	for {
		k := r.IntN(len(left))
		if left[k] == 0 {
			if max0(left) == 0 {
				return out
			}
			continue
		}
		n := 1 + r.IntN(min(left[k], 6))
		var data isom.Slices
		for _, size := range sizes[k][:n] {
			p := make([]byte, size)
			for i := range p {
				p[i] = byte(r.Uint32())
			}
			data = append(data, p)
		}
		sizes[k], left[k] = sizes[k][n:], left[k]-n
		out.Chunks = append(out.Chunks, isom.OutputChunk{Track: k, Samples: uint32(n), Entry: r.IntN(2), Data: data})
	}
}

// max0 is the largest of some numbers, at least 0.
func max0(list []int) int {
	m := 0
	for _, v := range list {
		m = max(m, v)
	}
	return m
}

// huge is Data of a size that no test can hold; it gives nothing.
type huge int64

func (h huge) Size() int64                        { return int64(h) }
func (h huge) WriteTo(w io.Writer) (int64, error) { return 0, errStop }

var errStop = errors.New("stop here")

// TestWide checks values that need 64 bits: offsets beyond 4 GiB, the size of mdat, durations and times.
func TestWide(t *testing.T) {
	const chunk = 3 << 30
	late := time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		chunks int
		header int
		co64   bool
	}{
		{"one chunk fits", 1, 8, false},
		{"the last chunk begins below 4 GiB", 2, 16, false},
		{"the last chunk begins above", 3, 16, true},
	} {
		out := isom.Output{
			Created: late,
			Tracks: []isom.OutputTrack{{
				Handler: isom.Sound, Timescale: 1, Entries: [][]byte{isom.NewG711Entry(isom.ALaw, 8000, 1)},
				Samples: []isom.SampleRun{{Count: uint32(c.chunks), Duration: math.MaxUint32, Size: chunk, Sync: true}},
			}},
		}
		for range c.chunks {
			out.Chunks = append(out.Chunks, isom.OutputChunk{Samples: 1, Data: huge(chunk)})
		}
		w, err := isom.NewWriter(out)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := w.Size(), w.HeadSize()+int64(c.chunks)*chunk; got != want {
			t.Errorf("%s: size %d, want %d", c.name, got, want)
		}
		var head bytes.Buffer
		if _, err := w.WriteTo(&head); !errors.Is(err, errStop) {
			t.Fatalf("%s: %v", c.name, err)
		}
		m := mp4test.Parse(t, bytes.NewReader(head.Bytes()))
		track := m.Tracks[0]
		if !m.Created.Equal(late) || !track.Modified.Equal(late) || track.MediaDuration != uint64(c.chunks)*math.MaxUint32 ||
			m.Duration != 1000*track.MediaDuration || track.Duration != m.Duration {
			t.Errorf("%s: movie %+v, track %+v", c.name, m, track)
		}
		for i, got := range mp4test.Chunks(t, track) {
			if want := w.HeadSize() + int64(i)*chunk; got.Position != want || got.Size != chunk {
				t.Errorf("%s: chunk %d is %+v, want position %d", c.name, i, got, want)
			}
		}
		if got := bytes.Contains(head.Bytes(), []byte("co64")); got != c.co64 {
			t.Errorf("%s: co64 %t, want %t", c.name, got, c.co64)
		}
		last := lastBox(t, head.Bytes())
		if last.Type != mp4.TypeMdat || last.HeaderSize != c.header || last.End() != w.Size() {
			t.Errorf("%s: got %+v, want an mdat to %d with a header of %d", c.name, last, w.Size(), c.header)
		}
	}
}

// lastBox gives the last box that begins in a file.
func lastBox(t *testing.T, file []byte) *mp4.Box {
	t.Helper()
	s := mp4.NewScanner(bytes.NewReader(file))
	var last *mp4.Box
	for {
		b, err := s.Next()
		if err != nil {
			return last
		}
		last = b
	}
}

// TestWriterRefuses checks plans that do not fit together.
func TestWriterRefuses(t *testing.T) {
	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		turn func(*isom.Output)
		want error
	}{
		{"no tracks", func(o *isom.Output) { o.Tracks = nil }, isom.ErrPlan},
		{"no timescale", func(o *isom.Output) { o.Tracks[0].Timescale = 0 }, isom.ErrPlan},
		{"no entry", func(o *isom.Output) { o.Tracks[0].Entries = nil }, isom.ErrPlan},
		{"entry is no box", func(o *isom.Output) { o.Tracks[0].Entries = [][]byte{[]byte("avc1")} }, isom.ErrPlan},
		{"samples left over", func(o *isom.Output) { o.Chunks = o.Chunks[:3] }, isom.ErrPlan},
		{"samples lacking", func(o *isom.Output) { o.Tracks[1].Samples[0].Count-- }, isom.ErrPlan},
		{"another size", func(o *isom.Output) { o.Tracks[0].Samples[0].Size++ }, isom.ErrPlan},
		{"unknown track", func(o *isom.Output) { o.Chunks[0].Track = 2 }, isom.ErrPlan},
		{"unknown entry", func(o *isom.Output) { o.Chunks[0].Entry = 1 }, isom.ErrPlan},
		{"empty chunk", func(o *isom.Output) { o.Chunks[0].Samples = 0 }, isom.ErrPlan},
		{"no data", func(o *isom.Output) { o.Chunks[0].Data = nil }, isom.ErrPlan},
		{"too many samples", func(o *isom.Output) {
			o.Tracks[1].Samples = []isom.SampleRun{{Count: math.MaxUint32, Size: 1}, {Count: 1, Size: 1}}
		}, isom.ErrPlan},
		{"a table beyond the bound", func(o *isom.Output) {
			o.Tracks[1].Samples = []isom.SampleRun{{Count: 1 << 27, Size: 1, Sync: true}, {Count: 1, Size: 2, Sync: true}}
		}, isom.ErrTooBig},
		{"a table of zeros beyond the bound", func(o *isom.Output) {
			o.Tracks[1].Samples = []isom.SampleRun{{Count: math.MaxUint32, Sync: true}}
		}, isom.ErrTooBig},
		{"sync samples beyond the bound", func(o *isom.Output) {
			o.Tracks[1].Samples = []isom.SampleRun{{Count: 1 << 27, Size: 1, Sync: true}, {Count: 1, Size: 1}}
		}, isom.ErrTooBig},
	} {
		out := mp4test.Small(now)
		c.turn(&out)
		if _, err := isom.NewWriter(out); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// TestWriteToFails checks that errors of the destination and of the data come out, with what was written counted.
func TestWriteToFails(t *testing.T) {
	w, err := isom.NewWriter(mp4test.Small(time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	for n := range w.Size() {
		got, err := w.WriteTo(&limited{left: n})
		if !errors.Is(err, errStop) || got != n {
			t.Fatalf("room for %d: wrote %d, %v, want %v", n, got, err, errStop)
		}
	}
	short := mp4test.Small(time.Time{})
	short.Chunks[3].Data = mp4test.Section{Source: strings.NewReader("short"), Length: 320}
	if w, err = isom.NewWriter(short); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteTo(io.Discard); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short section: got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	short.Chunks[3].Data = liar{}
	if w, err = isom.NewWriter(short); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteTo(io.Discard); !errors.Is(err, isom.ErrPlan) {
		t.Errorf("data that breaks its word: got %v, want %v", err, isom.ErrPlan)
	}
}

// liar announces more than it gives.
type liar struct{}

func (liar) Size() int64                      { return 320 }
func (liar) WriteTo(io.Writer) (int64, error) { return 0, nil }

// limited takes so many bytes and then fails.
type limited struct{ left int64 }

func (l *limited) Write(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		n := l.left
		l.left = 0
		return int(n), errStop
	}
	l.left -= int64(len(p))
	return len(p), nil
}
