package parallel_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/parallel"
)

// TestRoom: pieces of work hold no more at once than there is room for, but for one that is larger than all of it; small ones wait for none.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, small = 100, 10
		room := parallel.NewRoom(size, small)
		var mu sync.Mutex
		var all sync.WaitGroup
		held, most, done := 0, 0, 0
		for i := range 40 {
			much := 11 + i*5 // up to more than twice the room
			all.Go(func() {
				leave := room.Enter(t.Context(), much)
				mu.Lock()
				held += min(much, size)
				most = max(most, held)
				mu.Unlock()
				time.Sleep(10 * time.Millisecond)
				mu.Lock()
				held -= min(much, size)
				done++
				mu.Unlock()
				leave()
			})
		}
		synctest.Wait()
		began := time.Now()
		for range 40 {
			room.Enter(t.Context(), small)()
		}
		if time.Since(began) != 0 {
			t.Error("small work waits")
		}
		all.Wait()
		if most > size || most < size/2 || done != 40 {
			t.Errorf("%d were held at once, %d pieces are done; want at most %d, and 40", most, done, size)
		}
	})
}

// TestRoomIsWaitedForSeconds: work that another one holds up goes on without room, and so does that of a caller that has left. What it ends takes no room of others.
func TestRoomIsWaitedForSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := parallel.NewRoom(100, 10)
		heldUp := room.Enter(t.Context(), 100)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		room.Enter(gone, 100)()
		if time.Since(began) != 0 {
			t.Error("a caller that has left waits")
		}
		room.Enter(t.Context(), 100)()
		if waited := time.Since(began); waited <= 0 || waited > 5*time.Second {
			t.Errorf("it waits for %s behind work that does not end", waited)
		}
		heldUp()
		began = time.Now()
		leave := room.Enter(t.Context(), 100)
		if time.Since(began) != 0 {
			t.Error("it waits where there is room")
		}
		other := make(chan time.Duration)
		go func() {
			defer room.Enter(t.Context(), 100)()
			other <- time.Since(began)
		}()
		time.Sleep(time.Second)
		leave()
		if waited := <-other; waited != time.Second {
			t.Errorf("another one waits for %s, want as long as the room is taken", waited)
		}
	})
}
