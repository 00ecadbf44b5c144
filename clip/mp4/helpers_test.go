package mp4_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"clipfs/clip/mp4"
)

// need skips a test that cannot run without a program, and fails it where nothing may be skipped.
func need(t testing.TB, programs ...string) {
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

// run gives what a program prints on stdout; it fails the test if the program fails or says anything on stderr.
func run(t testing.TB, name string, args ...string) string {
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

// ffmpeg makes a file of the name in a fresh directory and gives its path.
func ffmpeg(t testing.TB, name string, args ...string) string {
	t.Helper()
	need(t, "ffmpeg", "ffprobe")
	path := filepath.Join(t.TempDir(), name)
	run(t, "ffmpeg", append(append([]string{"-v", "error", "-nostdin", "-y"}, args...), path)...)
	return path
}

// build writes an output to memory and checks that its size is the one announced.
func build(t testing.TB, out mp4.Output) []byte {
	t.Helper()
	w, err := mp4.NewWriter(out)
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

// findMoov gives the moov of a file.
func findMoov(t testing.TB, r io.Reader) []byte {
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

// parse gives the movie of a file.
func parse(t testing.TB, r io.Reader) *mp4.Movie {
	t.Helper()
	m, err := mp4.ParseMovie(findMoov(t, r))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// samplesOf gives all samples of a track.
func samplesOf(t testing.TB, track *mp4.Track) []mp4.Sample {
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

// chunksOf gives all chunks of a track.
func chunksOf(t testing.TB, track *mp4.Track) []mp4.Chunk {
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

// small is a movie of two tracks with B-frames, an edit, and sizes that differ.
func small(created time.Time) mp4.Output {
	video := []mp4.SampleRun{
		{Count: 1, Duration: 40, Offset: 40, Size: 9, Sync: true},
		{Count: 1, Duration: 40, Offset: 120, Size: 5},
		{Count: 2, Duration: 40, Offset: 0, Size: 3},
		{Count: 1, Duration: 33, Offset: 40, Size: 7, Sync: true},
	}
	sound := []mp4.SampleRun{{Count: 1600, Duration: 1, Size: 1, Sync: true}}
	return mp4.Output{
		Created: created,
		Tracks: []mp4.OutputTrack{
			{
				Handler: mp4.HandlerVideo, Name: "video", Timescale: 1000, Width: 320, Height: 180,
				Entries: [][]byte{mp4.NewAVCEntry([]byte{1, 66, 0, 30, 255, 224, 0}, 320, 180)},
				Edits:   []mp4.Edit{{Duration: 193, MediaTime: 40, Rate: mp4.EditRate}},
				Samples: video,
			},
			{
				Handler: mp4.HandlerSound, Name: "sound", Language: "fra", Timescale: 8000,
				Entries: [][]byte{mp4.NewG711Entry(mp4.CodingULaw, 8000, 1)},
				Samples: sound,
			},
		},
		Chunks: []mp4.OutputChunk{
			{Track: 0, Samples: 4, Data: mp4.Slices{bytes.Repeat([]byte{1}, 17), {2, 2, 2}}},
			{Track: 1, Samples: 1280, Data: mp4.Slices{make([]byte, 1280)}},
			{Track: 0, Samples: 1, Data: mp4.Slices{bytes.Repeat([]byte{3}, 7)}},
			{Track: 1, Samples: 320, Data: mp4.Section{Source: bytes.NewReader(make([]byte, 400)), Offset: 80, Length: 320}},
		},
	}
}

// remux reads the MP4 file at path and gives an output that holds the same media in the same chunks, with sample
// entries that were built anew.
func remux(t testing.TB, path string) mp4.Output {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it was only read
	m := parse(t, f)
	out := mp4.Output{Created: m.Created, Timescale: m.Timescale}
	type placed struct {
		at int64
		mp4.OutputChunk
	}
	var chunks []placed
	for i, track := range m.Tracks {
		o := mp4.OutputTrack{
			Handler: track.Handler, Name: track.HandlerName, Language: track.Language, Timescale: track.Timescale,
			Width: uint16(track.Width), Height: uint16(track.Height), Edits: track.Edits,
		}
		for _, e := range track.Entries {
			o.Entries = append(o.Entries, rebuildEntry(t, e))
		}
		for _, s := range samplesOf(t, track) {
			o.Samples = append(o.Samples, mp4.SampleRun{
				Count: 1, Duration: s.Duration, Offset: s.Offset, Size: s.Size, Sync: s.Sync,
			})
		}
		for _, c := range chunksOf(t, track) {
			data := mp4.Section{Source: f, Offset: c.Position, Length: c.Size}
			chunks = append(chunks, placed{c.Position, mp4.OutputChunk{
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
		return mp4.NewAVCEntry(config, e.Width, e.Height)
	case mp4.CodingHVC1, mp4.CodingHEV1:
		config, ok := e.Config(mp4.TypeHvcC)
		if !ok {
			t.Fatal("no hvcC")
		}
		return mp4.NewHEVCEntry(config, e.Width, e.Height)
	case mp4.CodingMP4A:
		config, err := e.AudioSpecificConfig()
		if err != nil {
			t.Fatal(err)
		}
		return mp4.NewAACEntry(config, e.Rate, e.Channels)
	case mp4.CodingALaw, mp4.CodingULaw:
		return mp4.NewG711Entry(e.Type, e.Rate, e.Channels)
	}
	t.Fatalf("sample entry %s", e.Type)
	return nil
}

// fixed is some time.
func fixed() time.Time { return time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC) }

// mustOpen opens a file for the time of the test.
func mustOpen(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it was only read
	return f
}
