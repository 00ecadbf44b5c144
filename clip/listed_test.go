package clip_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestOpenAgainReadsNoTables: a payload that an earlier run has found to be just what was listed opens without a look at its tables, so that
// damage in them shows when they are read. Where it has more than was listed, or another payload came since, it is looked at.
func TestOpenAgainReadsNoTables(t *testing.T) {
	for name, test := range map[string]struct {
		more, refetched bool
		atOpen          int64
	}{
		"as listed":          {},
		"with more":          {more: true, atOpen: 1},
		"fetched once again": {refetched: true, atOpen: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := onePart(t, test.more)
			if test.refetched { // by a run that ends before it opens the clip again
				r.restart(t)
				r.media.Drop(r.keys(t, "media", "p-")[0])
				film := r.run(t)
				done, release, err := film.Ahead(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				<-done
				release()
			}
			r.restart(t)
			r.damageTables(t)
			film := r.run(t)
			before := r.payloads()
			h, err := film.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			if got := r.payloads() - before; got != test.atOpen {
				t.Errorf("%d payloads are fetched by the open, want %d", got, test.atOpen)
			}
			got := make([]byte, h.Size())
			if _, err := h.ReadAt(t.Context(), got, 0); err != nil || !bytes.Equal(got, r.whole) {
				t.Errorf("other bytes than in the first run, %v", err)
			}
			if got := r.payloads() - before; got != 1 {
				t.Errorf("%d payloads are fetched in all, want 1", got)
			}
			if note := film.Note(); test.more == (note == "") {
				t.Errorf("note %q", note)
			}
		})
	}
}

// onePart has all of a clip of one part read once; more has its payload bring a fragment more than was listed.
func onePart(t *testing.T, more bool) *runs {
	t.Helper()
	r := &runs{archive: memory.New(), dir: t.TempDir(), span: archive.NewSpan(memory.Base(), time.Minute)}
	r.archive.Record("cam", memory.Base(), 60, 2*time.Second)
	if all := r.archive.Recorded["cam"]; more {
		r.archive.Answer = func(found []archive.Fragment) ([]archive.Fragment, error) {
			return append(found[:len(found):len(found)], all[len(found)]), nil
		}
	}
	r.restart(t)
	var err error
	if r.whole, err = readAll(t, r.run(t)); err != nil {
		t.Fatal(err)
	}
	return r
}

// restart closes both caches, if they are open, and opens them as another process would.
func (r *runs) restart(t *testing.T) {
	t.Helper()
	for name, c := range map[string]**cache.Cache{"media": &r.media, "heads": &r.heads} {
		if *c != nil {
			if err := (*c).Close(); err != nil {
				t.Fatal(err)
			}
		}
		opened, err := cache.Open(filepath.Join(r.dir, name), cache.Options{NoProof: true}) // damage is found where it is read
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.Close() })
		*c = opened
	}
}

// payloads counts the calls that bring one.
func (r *runs) payloads() int64 {
	n, _, _ := r.archive.Calls()
	return int64(n)
}

// damageTables writes other bytes into the tables of the only payload on disk, as a disk that fails would.
func (r *runs) damageTables(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.dir, "media", "data2", fmt.Sprint(r.keys(t, "media", "p-")[0], "*")))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, ".checks") {
			continue
		}
		payload, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copy(payload[bytes.Index(payload, []byte("stts")):], "none")
		if err := os.WriteFile(path, payload, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkOpenOnePartAgain: five minutes of one part that an earlier run has opened and read.
func BenchmarkOpenOnePartAgain(b *testing.B) { benchmarkOpenAgain(b, 5*time.Minute) }
