package clip_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestFewDaysAtOnce: of days at which programs look side by side, few are in memory as they are at once, and none is left out; an hour waits for no day.
func TestFewDaysAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		const streams, perDay = 6, 24 * 1800
		name := func(i int) archive.StreamName { return archive.StreamName(fmt.Sprint("cam", i)) }
		for i := range streams {
			m.Record(name(i), memory.Base(), perDay, 2*time.Second)
		}
		time.Sleep(time.Until(memory.Base().Add(48 * time.Hour)))
		l, _ := library(t, m, clip.Options{MetadataTTL: time.Hour})
		var mu sync.Mutex
		var all sync.WaitGroup
		held, most, done := 0, 0, 0
		full := make(chan struct{}, streams)
		for i := range streams {
			all.Go(func() {
				c, err := l.Clip(t.Context(), name(i), archive.NewSpan(memory.Base(), 24*time.Hour))
				if err != nil {
					t.Error(err)
					return
				}
				if err := c.WithRecording(t.Context(), func(r clip.Recording) error {
					mu.Lock()
					held += len(r.Fragments)
					most = max(most, held)
					mu.Unlock()
					full <- struct{}{}
					time.Sleep(100 * time.Millisecond)
					mu.Lock()
					held -= len(r.Fragments)
					done++
					mu.Unlock()
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
		}
		<-full
		c, err := l.Clip(t.Context(), name(0), archive.NewSpan(memory.Base(), time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := c.WithRecording(t.Context(), func(r clip.Recording) error { return nil }); err != nil || time.Since(began) != 0 {
			t.Errorf("an hour waits for %s, %v", time.Since(began), err)
		}
		all.Wait()
		if most > 50_000 || done != streams {
			t.Errorf("%d fragments were held at once, of %d days; want at most 50,000, and %d", most, done, streams)
		}
	})
}
