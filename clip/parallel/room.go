package parallel

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"
)

// patience is how long work waits for room.
const patience = 2 * time.Second

// Room bounds how much pieces of work hold at once that run side by side, in a unit of its own, such as fragments in memory. It is safe for concurrent use.
type Room struct {
	size, small int
	free        *semaphore.Weighted
}

// NewRoom gives one of a size. Work that holds no more than small does not count.
func NewRoom(size, small int) *Room {
	return &Room{size: size, small: small, free: semaphore.NewWeighted(int64(size))}
}

// Enter waits until there is room for work that holds so much, or until the room is empty if that is more than all of it; leave ends the work. It waits for seconds
// at most, and no longer than ctx: then the work goes on without room. So none waits for long where another one is held up, or waits for the same work itself.
func (r *Room) Enter(ctx context.Context, much int) (leave func()) {
	if much <= r.small {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	weight := int64(min(much, r.size))
	if r.free.Acquire(ctx, weight) != nil {
		return func() {}
	}
	return func() { r.free.Release(weight) }
}
