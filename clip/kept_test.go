package clip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// runs is a clip of ten parts that several runs open, each with a library of its own, over the same two caches.
type runs struct {
	archive      *memory.Archive
	media, heads *cache.Cache
	dir          string
	span         archive.Span
	// whole is what the first run has read, points are what it told.
	whole  []byte
	points []archive.Point
}

// firstRun has all of the clip read once.
func firstRun(t *testing.T) *runs {
	t.Helper()
	r := &runs{archive: memory.New(), dir: t.TempDir(), span: archive.NewSpan(memory.Base(), 10*time.Minute)}
	r.archive.Record("cam", memory.Base(), 100, 2*time.Second)
	r.archive.Record("cam", memory.Base().Add(5*time.Minute), 150, 2*time.Second)
	for name, c := range map[string]**cache.Cache{"media": &r.media, "heads": &r.heads} {
		var err error
		if *c, err = cache.Open(filepath.Join(r.dir, name), cache.Options{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = (*c).Close() })
	}
	film := r.run(t)
	h, err := film.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	if r.points, _, err = h.Points(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.whole, err = readAll(t, film); err != nil {
		t.Fatal(err)
	}
	r.settles(t)
	return r
}

// settles waits for what the next run is to find.
func (r *runs) settles(t *testing.T) {
	t.Helper()
	r.keys(t, "media", "j-")
	r.keys(t, "heads", "l-")
}

// run gives the clip as another run looks it up.
func (r *runs) run(t *testing.T) *clip.Clip {
	t.Helper()
	o := lazy()
	o.Heads, o.MetadataTTL = r.heads, time.Hour
	return lookUp(t, clip.NewLibrary(r.archive, r.media, o), "cam", r.span)
}

// keys gives what there is in one of the caches whose keys begin with something, once there is: what was read is put on the disk beside that.
func (r *runs) keys(t *testing.T, cacheName, prefix string) (keys []cache.Key) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(keys) == 0; time.Sleep(time.Millisecond) {
		infos, err := cache.Inspect(filepath.Join(r.dir, cacheName))
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range infos {
			if strings.HasPrefix(string(info.Key), prefix) {
				keys = append(keys, info.Key)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s in %s", prefix, cacheName)
		}
	}
	return keys
}

// opens has another run open and read the clip, and gives how many records of heads and layouts the open took up.
func (r *runs) opens(t *testing.T) (records uint64) {
	t.Helper()
	film := r.run(t)
	before := r.heads.Stats()
	h, err := film.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	after := r.heads.Stats()
	got, err := readAll(t, film)
	if err != nil || !bytes.Equal(got, r.whole) {
		t.Errorf("%d bytes, %v, want the %d of the first run", len(got), err, len(r.whole))
	}
	points, _, err := h.Points(t.Context())
	if err != nil || !slices.Equal(points, r.points) {
		t.Errorf("points %v, %v, want %v", points, err, r.points)
	}
	r.settles(t)
	return after.Hits - before.Hits + after.Misses - before.Misses
}

// TestOpenAgainReadsNoHead: a clip of many parts that an earlier run has read opens by the record of its layout alone.
func TestOpenAgainReadsNoHead(t *testing.T) {
	r := firstRun(t)
	for range 2 {
		if got := r.opens(t); got != 1 {
			t.Errorf("%d records are taken up, want that of the layout", got)
		}
	}
}

// TestKeptLayoutThatDoesNotFit: where a layout was kept with other heads than there are, or is no layout, or its joined head has gone, the
// heads are read as if there were none, and the next run has it again.
func TestKeptLayoutThatDoesNotFit(t *testing.T) {
	for name, spoil := range map[string]func(*testing.T, *runs){
		"other heads":    func(t *testing.T, r *runs) { r.heads.Drop(r.keys(t, "heads", "h-")[3]) },
		"no joined head": func(t *testing.T, r *runs) { r.media.Drop(r.keys(t, "media", "j-")[0]) },
		"no layout":      func(t *testing.T, r *runs) { r.write(t, "no JSON") },
		"of other parts": func(t *testing.T, r *runs) { r.write(t, `{"Size":1,"Parts":[{}]}`) },
		"of no segments": func(t *testing.T, r *runs) {
			kept := r.read(t)
			r.write(t, kept[:strings.Index(kept, `"Segments"`)]+`"Segments":[]}`)
		},
		"of another size":            func(t *testing.T, r *runs) { r.write(t, strings.Replace(r.read(t), `"Size":`, `"Size":1`, 1)) },
		"of another head":            func(t *testing.T, r *runs) { r.write(t, strings.Replace(r.read(t), `"HeadSize":`, `"HeadSize":1`, 1)) },
		"of media where the head is": func(t *testing.T, r *runs) { r.write(t, strings.Replace(r.read(t), `"Part":-1,`, `"Part":0,`, 1)) },
		"of fewer bytes than it says": func(t *testing.T, r *runs) {
			r.write(t, strings.Replace(r.read(t), `"Part":1,"At":0,"Bytes":null`, `"Part":-1,"At":0,"Bytes":"AAAA"`, 1))
		},
		"of media before the beginning": func(t *testing.T, r *runs) { r.write(t, strings.Replace(r.read(t), `"At":0`, `"At":-5`, 2)) },
		"of no such part":               func(t *testing.T, r *runs) { r.write(t, strings.Replace(r.read(t), `"Part":1,`, `"Part":10,`, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := firstRun(t)
			spoil(t, r)
			if got := r.opens(t); got < 10 {
				t.Errorf("%d records are taken up, want all heads", got)
			}
			if got := r.opens(t); got != 1 {
				t.Errorf("%d records are taken up then, want that of the layout", got)
			}
		})
	}
}

// read gives the record of the layout.
func (r *runs) read(t *testing.T) string {
	t.Helper()
	return r.record(t, r.keys(t, "heads", "l-")[0])
}

// record gives a record.
func (r *runs) record(t *testing.T, key cache.Key) string {
	t.Helper()
	e, err := r.heads.Acquire(key, cache.Request{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Release()
	size, err := e.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	record, err := io.ReadAll(io.NewSectionReader(e.Reader(), 0, size))
	if err != nil {
		t.Fatal(err)
	}
	return string(record)
}

// write puts something in the place of the record of the layout.
func (r *runs) write(t *testing.T, record string) {
	t.Helper()
	r.replace(t, r.keys(t, "heads", "l-")[0], record)
}

// replace puts something in the place of a record.
func (r *runs) replace(t *testing.T, key cache.Key, record string) {
	t.Helper()
	r.heads.Drop(key)
	e, err := r.heads.Acquire(key, cache.Request{Fill: func(_ context.Context, w *cache.Writer) error { return w.Append([]byte(record)) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Release()
	<-e.Done()
}

// TestHeadOfCutPayload: the head of a payload that had been cut, which an earlier run has kept, is made again from the payload.
func TestHeadOfCutPayload(t *testing.T) {
	r := firstRun(t)
	const magic, sum = 16, 4 // then the size
	key := r.keys(t, "heads", "h-")[3]
	right := r.record(t, key)
	cut := []byte(right)
	binary.BigEndian.PutUint64(cut[magic+sum:], binary.BigEndian.Uint64(cut[magic+sum:])-1)
	binary.BigEndian.PutUint32(cut[magic:], crc32.Checksum(cut[magic+sum:], crc32.MakeTable(crc32.Castagnoli)))
	r.replace(t, key, string(cut))
	r.write(t, "no layout, so that heads are read")
	if got := r.opens(t); got < 10 {
		t.Errorf("%d records are taken up, want all heads", got)
	}
	if r.record(t, key) != right {
		t.Error("the head is still that of the cut payload")
	}
}

// TestKeptLayoutOfChangedMedia: media that is fetched for a layout that was kept, and is other than its head, is not served.
func TestKeptLayoutOfChangedMedia(t *testing.T) {
	r := firstRun(t)
	for _, key := range r.keys(t, "media", "p-") {
		r.media.Drop(key)
	}
	film := r.run(t)
	r.archive.Change(func() {
		for i := range r.archive.Recorded["cam"] {
			r.archive.Recorded["cam"][i].Length -= 100 * time.Millisecond // the service now says otherwise
		}
	})
	got, err := readAll(t, film)
	if !errors.Is(err, archive.ErrChanged) {
		t.Errorf("%d bytes, %v, want ErrChanged", len(got), err)
	}
}

// TestKeptLayoutMakesItsHeadAgain: the joined head of an open clip can be made again, though nobody has joined it in this run.
func TestKeptLayoutMakesItsHeadAgain(t *testing.T) {
	r := firstRun(t)
	h, err := r.run(t).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	clip.LetHeadGo(h)
	got := make([]byte, len(r.whole))
	if _, err := h.ReadAt(t.Context(), got, 0); err != nil || !bytes.Equal(got, r.whole) {
		t.Errorf("other bytes, %v", err)
	}
}

// BenchmarkOpenAgain: an hour of 60 parts that an earlier run has opened and read.
func BenchmarkOpenAgain(b *testing.B) { benchmarkOpenAgain(b, time.Hour) }

// benchmarkOpenAgain opens a clip of a length in run after run. Each has read it to its end, so all but the first find it on the disk.
func benchmarkOpenAgain(b *testing.B, length time.Duration) {
	m := memory.New()
	m.Record("cam", memory.Base(), int(length/(2*time.Second)), 2*time.Second)
	c, err := cache.Open(b.TempDir(), cache.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		l := clip.NewLibrary(m, c, clip.Options{MetadataTTL: time.Hour})
		film, err := l.Clip(b.Context(), "cam", archive.NewSpan(memory.Base(), length))
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		h, err := film.Open(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if _, err := io.Copy(io.Discard, io.NewSectionReader(reader{b, h}, 0, h.Size())); err != nil {
			b.Fatal(err)
		}
		_ = h.Close()
		b.StartTimer()
	}
}
