package clip_test

import (
	"path/filepath"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestKeysTellFilesApart: a cache that was filled under other settings never gives a size or a head that was made under them:
// everything that shapes the bytes of a file is in its key.
func TestKeysTellFilesApart(t *testing.T) {
	const s = time.Second
	m := memory.New()
	m.Record("cam", memory.Base(), 20, 2*s)
	m.Record("cam", memory.Base().Add(43*s), 20, 2*s) // 3 s are missing
	m.Record("cam", memory.Base().Add(95*s), 20, 2*s) // 12 s are missing
	span := archive.NewSpan(memory.Base(), 10*time.Minute)
	for name, other := range map[string]struct {
		o       clip.Options
		version int
	}{
		"a gap of 5 s":         {clip.Options{Gap: 5 * s, Part: 10 * s}, 0},
		"gaps kept":            {clip.Options{Gaps: clip.KeepGaps, Part: 10 * s}, 0},
		"a grid of 20 s":       {clip.Options{Part: 20 * s}, 0},
		"another version":      {clip.Options{Part: 10 * s}, 1000},
		"the same, and served": {clip.Options{Part: 10 * s}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var keys []string
			var made [][]byte
			for round, o := range []clip.Options{{Part: 10 * s}, other.o} {
				c, err := cache.Open(filepath.Join(dir, "media"), cache.Options{})
				if err != nil {
					t.Fatal(err)
				}
				l := clip.NewLibrary(m, c, o)
				if round == 1 && other.version > 0 {
					clip.SetJoinVersion(l, other.version)
				}
				film := lookUp(t, l, "cam", span)
				size, exact := film.Size()
				file, err := readAll(t, film)
				if err != nil {
					t.Errorf("round %d: %v", round, err)
				}
				if exact && (size != int64(len(file)) || name != "the same, and served") {
					t.Errorf("round %d: size %d is called exact before the first open, read %d", round, size, len(file))
				}
				keys, made = append(keys, film.Key()), append(made, file)
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
			if same := keys[0] == keys[1]; same != (name == "the same, and served") {
				t.Errorf("keys %v of %d and %d bytes", keys, len(made[0]), len(made[1]))
			}
		})
	}
}

// TestKeysOfAStreamMadeAgain: a stream that is made again under its name shares nothing with the one before, not even where its
// fragments have the same numbers.
func TestKeysOfAStreamMadeAgain(t *testing.T) {
	m := memory.New()
	m.ARN = "arn:aws:kinesisvideo:eu-west-1:123456789012:stream"
	m.Record("cam", memory.Base(), 90, 2*time.Second)
	for _, length := range []time.Duration{time.Minute, 3 * time.Minute} {
		keys := make(map[string]bool)
		for _, made := range []time.Time{memory.Base().Add(-2 * time.Hour), memory.Base().Add(-time.Hour), memory.Base().Add(-time.Hour)} {
			m.Created = made
			l, _ := library(t, m, clip.Options{Part: time.Minute})
			keys[lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length)).Key()] = true
		}
		if len(keys) != 2 {
			t.Errorf("%s of three, of which two are one stream, have %d keys", length, len(keys))
		}
	}
}
