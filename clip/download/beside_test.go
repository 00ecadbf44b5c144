package download_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
)

// TestSchedulerPausedGoOnBesideHeads: a paused download goes on while heads have all places, one that was not begun waits for them; and no more go on than run as
// a rule.
func TestSchedulerPausedGoOnBesideHeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most, paused = 2, 3
		s := download.NewScheduler(most, refuse)
		wentOn := make(chan int, paused)
		var all [paused]download.Download
		for i := range all {
			key := cache.Key(fmt.Sprint("paused ", i))
			s.Want(key, archive.ForHead, 1)
			all[i] = s.Enter(key, "", 1, time.Time{})
			if err := s.Take(t.Context(), all[i]); err != nil {
				t.Fatal(err)
			}
			all[i].HeadCame()
			go func() {
				if s.Proceed(t.Context(), all[i]) == nil {
					wentOn <- i
				}
			}()
			s.Want(key, archive.ForHead, -1)
			synctest.Wait()
		}
		var heads []download.Download
		for range most * download.HeadsOver {
			heads = append(heads, taken(t, s, archive.ForHead))
		}
		served, leave := make(chan string, 1), make(chan struct{})
		queue(t, s, "not begun", archive.ForAhead, served, leave)
		for i := range all {
			s.Want(cache.Key(fmt.Sprint("paused ", i)), archive.ForAhead, 1)
			synctest.Wait()
		}
		if len(wentOn) != most || len(served) != 0 {
			t.Errorf("beside heads %d paused downloads go on and %d others, want %d and none", len(wentOn), len(served), most)
		}
		s.Leave(all[<-wentOn])
		synctest.Wait()
		if len(wentOn) != most || len(served) != 0 {
			t.Errorf("after one of them %d go on and %d others, want %d and none", len(wentOn), len(served), most)
		}
		for _, d := range append(heads, all[:]...) {
			s.Leave(d)
		}
		if <-served != "not begun" {
			t.Error("not served after the heads")
		}
		close(leave)
		synctest.Wait()
	})
}
