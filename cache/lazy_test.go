package cache_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
)

// TestLazyCacheLooksWhenItIsNeeded: until it is asked for something, or told to begin, what a crash left is still there.
func TestLazyCacheLooksWhenItIsNeeded(t *testing.T) {
	for _, test := range []struct {
		name string
		need func(*cache.Cache) bool
	}{
		{"Begin", func(c *cache.Cache) bool { c.Begin(); cache.Settle(c); return true }},
		{"Has", func(c *cache.Cache) bool { return c.Has("k") }},
		{"Stats", func(c *cache.Cache) bool { return c.Stats().Whole == 1 && c.Stats().Bytes == costOf(5000) }},
		{"KnownSize", func(c *cache.Cache) bool { n, ok := c.KnownSize("k"); return ok && n == 17 && c.Has("k") }},
		{"Drop", func(c *cache.Cache) bool { c.Drop("k"); return !c.Has("k") }},
		{"Acquire", func(c *cache.Cache) bool {
			e := acquire(t, c, "k", noFill(t))
			defer e.Release()
			mustHave(t, e, payload(1, 5000))
			return true
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			c := open(t, dir, cache.Options{})
			put(t, c, "k", payload(1, 5000))
			c.NoteSize("k", 17)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			left := filepath.Join(dir, "data2", "x.1.part")
			if err := os.WriteFile(left, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				c := open(t, dir, cache.Options{Lazy: true})
				time.Sleep(time.Hour)
				synctest.Wait()
				if _, err := os.Lstat(left); err != nil {
					t.Errorf("looked into its directory before it was needed: %v", err)
				}
				if !test.need(c) {
					t.Error("does not find what is there")
				}
				c.Stats() // the directory is listed after it
				synctest.Wait()
				if _, err := os.Lstat(left); err == nil {
					t.Error("what a crash left is still there")
				}
			})
		})
	}
}

func TestLazyCacheThatNobodyNeeded(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{Lazy: true})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if c.Has("k") || c.Stats().Whole != 0 {
		t.Error("finds something")
	}
	_, err := c.Acquire("k", cache.Request{Fill: noFill(t)})
	check(t, "acquire", err, cache.ErrClosed)
}
