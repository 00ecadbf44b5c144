// Package mp4test has what the tests of clip/mp4 and of the packages below it share: files made in memory and by ffmpeg.
package mp4test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/encoded"
)

// Need skips a test that cannot run without a program, and fails it where nothing may be skipped.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CLIPFS_REQUIRE_ALL") == "1" {
				t.Fatalf("%s is needed: %v", p, err)
			}
			t.Skipf("%s is needed: %v", p, err)
		}
	}
}

// Run gives what a program prints on stdout; it fails the test if the program fails or says anything on stderr.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.Bytes())
	}
	return stdout.String()
}

// FFmpeg makes a file of the name in a fresh directory and gives its path.
func FFmpeg(t testing.TB, name string, args ...string) string {
	t.Helper()
	Need(t, "ffmpeg", "ffprobe")
	path := filepath.Join(t.TempDir(), name)
	if said, err := encoded.File(t.Context(), path, args...); err != nil || len(said) > 0 {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, said)
	}
	return path
}

// Build writes an output to memory and checks that its size is the one announced.
func Build(t testing.TB, out isom.Output) []byte {
	t.Helper()
	w, err := isom.NewWriter(out)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	n, err := w.WriteTo(&b)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := n, w.Size(); got != want || int64(b.Len()) != want {
		t.Fatalf("wrote %d bytes, %d arrived, announced %d", got, b.Len(), want)
	}
	return b.Bytes()
}

// Moov gives the moov of a file.
func Moov(t testing.TB, r io.Reader) []byte {
	t.Helper()
	s := mp4.NewScanner(r)
	for {
		b, err := s.Next()
		if errors.Is(err, io.EOF) {
			t.Fatal("no moov")
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.Type == mp4.TypeMoov {
			moov, err := mp4.ReadMoov(b)
			if err != nil {
				t.Fatal(err)
			}
			return moov
		}
	}
}

// Parse gives the movie of a file.
func Parse(t testing.TB, r io.Reader) *mp4.Movie {
	t.Helper()
	m, err := mp4.ParseMovie(Moov(t, r))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Samples gives all samples of a track.
func Samples(t testing.TB, track *mp4.Track) []mp4.Sample {
	t.Helper()
	var all []mp4.Sample
	for s, err := range track.Samples() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// Chunks gives all chunks of a track.
func Chunks(t testing.TB, track *mp4.Track) []mp4.Chunk {
	t.Helper()
	var all []mp4.Chunk
	for c, err := range track.Chunks() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// Small is a movie of two tracks with B-frames, an edit, and sizes that differ.
func Small(created time.Time) isom.Output {
	video := []isom.SampleRun{
		{Count: 1, Duration: 40, Offset: 40, Size: 9, Sync: true},
		{Count: 1, Duration: 40, Offset: 120, Size: 5},
		{Count: 2, Duration: 40, Offset: 0, Size: 3},
		{Count: 1, Duration: 33, Offset: 40, Size: 7, Sync: true},
	}
	sound := []isom.SampleRun{{Count: 1600, Duration: 1, Size: 1, Sync: true}}
	return isom.Output{
		Created: created,
		Tracks: []isom.OutputTrack{
			{
				Handler: isom.Video, Name: "video", Timescale: 1000, Width: 320, Height: 180,
				Entries: [][]byte{isom.NewAVCEntry([]byte{1, 66, 0, 30, 255, 224, 0}, 320, 180)},
				Edits:   []isom.Edit{{Duration: 193, MediaTime: 40}},
				Samples: video,
			},
			{
				Handler: isom.Sound, Name: "sound", Language: "fra", Timescale: 8000,
				Entries: [][]byte{isom.NewG711Entry(isom.MuLaw, 8000, 1)},
				Samples: sound,
			},
		},
		Chunks: []isom.OutputChunk{
			{Track: 0, Samples: 4, Data: isom.Slices{bytes.Repeat([]byte{1}, 17), {2, 2, 2}}},
			{Track: 1, Samples: 1280, Data: isom.Slices{make([]byte, 1280)}},
			{Track: 0, Samples: 1, Data: isom.Slices{bytes.Repeat([]byte{3}, 7)}},
			{Track: 1, Samples: 320, Data: Section{Source: bytes.NewReader(make([]byte, 400)), Offset: 80, Length: 320}},
		},
	}
}

// Remux reads the MP4 file at path and gives an output that holds the same media in the same chunks, with sample
// entries that were built anew.
func Remux(t testing.TB, path string) isom.Output {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it was only read
	m := Parse(t, f)
	out := isom.Output{Created: m.Created, Timescale: m.Timescale}
	type placed struct {
		at int64
		isom.OutputChunk
	}
	var chunks []placed
	for i, track := range m.Tracks {
		o := isom.OutputTrack{
			Handler: track.Handler.String(), Name: track.HandlerName, Language: track.Language, Timescale: track.Timescale,
			Width: uint16(track.Width), Height: uint16(track.Height),
		}
		for _, e := range track.Edits {
			o.Edits = append(o.Edits, isom.Edit{Duration: e.Duration, MediaTime: e.MediaTime})
		}
		for _, e := range track.Entries {
			o.Entries = append(o.Entries, rebuildEntry(t, e))
		}
		for _, s := range Samples(t, track) {
			o.Samples = append(o.Samples, isom.SampleRun{
				Count: 1, Duration: s.Duration, Offset: s.Offset, Size: s.Size, Sync: s.Sync,
			})
		}
		for _, c := range Chunks(t, track) {
			data := Section{Source: f, Offset: c.Position, Length: c.Size}
			chunks = append(chunks, placed{c.Position, isom.OutputChunk{
				Track: i, Samples: c.Samples, Entry: c.Entry, Data: data,
			}})
		}
		out.Tracks = append(out.Tracks, o)
	}
	slices.SortFunc(chunks, func(a, b placed) int { return int(a.at - b.at) })
	for _, c := range chunks {
		out.Chunks = append(out.Chunks, c.OutputChunk)
	}
	return out
}

// rebuildEntry builds a sample entry from the configuration in another one.
func rebuildEntry(t testing.TB, e mp4.SampleEntry) []byte {
	t.Helper()
	switch e.Type {
	case mp4.CodingAVC1:
		config, ok := e.Config(mp4.TypeAvcC)
		if !ok {
			t.Fatal("no avcC")
		}
		return isom.NewAVCEntry(config, e.Width, e.Height)
	case mp4.CodingHVC1, mp4.CodingHEV1:
		config, ok := e.Config(mp4.TypeHvcC)
		if !ok {
			t.Fatal("no hvcC")
		}
		return isom.NewHEVCEntry(config, e.Width, e.Height)
	case mp4.CodingMP4A:
		config, err := e.AudioSpecificConfig()
		if err != nil {
			t.Fatal(err)
		}
		return isom.NewAACEntry(config, e.Rate, e.Channels)
	case mp4.CodingALaw, mp4.CodingULaw:
		return isom.NewG711Entry(e.Type.String(), e.Rate, e.Channels)
	}
	t.Fatalf("sample entry %s", e.Type)
	return nil
}

// Fixed is some time.
func Fixed() time.Time { return time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC) }

// Open opens a file for the time of the test.
func Open(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it was only read
	return f
}

// Day is a movie of 24 h at 30 pictures a second with B-frames, and AAC at 48 kHz, in chunks of 2 s, whose media is all
// zeros of one slice.
func Day() isom.Output {
	const pictures, frames, seconds = 60, 94, 2
	media := make([]byte, 1<<20)
	out := isom.Output{Tracks: []isom.OutputTrack{
		{Handler: isom.Video, Timescale: 1000, Width: 1280, Height: 720,
			Entries: [][]byte{isom.NewAVCEntry(make([]byte, 40), 1280, 720)}},
		{Handler: isom.Sound, Timescale: 48000, Entries: [][]byte{isom.NewAACEntry([]byte{0x11, 0x90}, 48000, 2)}},
	}}
	for range 24 * 3600 / seconds {
		var size [2]uint32
		for i := range uint32(pictures) {
			run := isom.SampleRun{
				Count: 1, Duration: 33 + i%3/2, Offset: int32(i%3) * 33, Size: 100 + i*7919%900, Sync: i == 0,
			}
			size[0] += run.Size
			out.Tracks[0].Samples = append(out.Tracks[0].Samples, run)
		}
		for i := range uint32(frames) {
			run := isom.SampleRun{Count: 1, Duration: 1024, Size: 100 + i*31%90, Sync: true}
			size[1] += run.Size
			out.Tracks[1].Samples = append(out.Tracks[1].Samples, run)
		}
		out.Chunks = append(out.Chunks,
			isom.OutputChunk{Track: 0, Samples: pictures, Data: isom.Slices{media[:size[0]]}},
			isom.OutputChunk{Track: 1, Samples: frames, Data: isom.Slices{media[:size[1]]}})
	}
	return out
}

// Section is data that lies in a file: Length bytes of Source from Offset on.
type Section struct {
	Source         io.ReaderAt
	Offset, Length int64
}

// Size is Length.
func (s Section) Size() int64 { return s.Length }

// WriteTo writes the section. A Source that ends too early is io.ErrUnexpectedEOF.
func (s Section) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, io.NewSectionReader(s.Source, s.Offset, s.Length))
	if err == nil && n < s.Length {
		err = fmt.Errorf("section at %d: %d of %d bytes: %w", s.Offset, n, s.Length, io.ErrUnexpectedEOF)
	}
	return n, err
}
