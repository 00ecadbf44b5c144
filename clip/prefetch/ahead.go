package prefetch

import (
	"context"
	"sync"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/download"
)

const (
	// aheadAfter is how many bytes of media have to be read front to back before anything is fetched ahead: a look at
	// the beginning of a file fetches no more than that.
	aheadAfter = 512 << 10
	// aheadSlack is how far from the end of the last read one may begin and still go on from it: reads of one reader
	// arrive in parallel.
	aheadSlack = 2 << 20
	// allAfter is how long after the first read of media the rest of a clip is fetched of which little is missing, unless
	// aheadAfter has been read by then: who looks at one picture and is gone pays for that alone, and waits for nothing else.
	allAfter = time.Second
	// aheadTimes is how many times what was read front to back the window is, at most, for a reader who has to wait.
	aheadTimes = 4
	// growShare is which share of the window it grows by at least: the parts ahead are looked through each time.
	growShare = 4
)

// Ahead fetches, for one open clip of many parts, what its reader will read next: the parts in a window behind the
// position if he reads front to back, or all the rest if that is little. The window is one part, and grows while the
// reader has to wait for bytes: a copy soon has as many downloads under way as it can use, and somebody who watches at the
// speed of the footage never pays for more than the next part. For a program that has read its last clip whole it is the longest
// one from the first read on, and what is on disk does not count. Its parts are held in the cache until they are whole. A seek
// ends that: what was being fetched is paused, and the window starts again.
//
// The parts are taken up by a goroutine that runs while there is something to fetch.
type Ahead struct {
	downloads *download.Downloader
	store     Store
	file      File
	opener    download.By
	habits    *habits
	// most is the longest window, eager how much may be missing of the clip to fetch all of it; both in bytes. atOnce is how many parts are held at
	// most.
	most, eager int64
	atOnce      int

	// mu guards the rest.
	mu sync.Mutex
	// whole says that the program has read its last clip whole, and did not seek in this one.
	whole bool
	// part is the one that was read last, end where that read ended; run is how many bytes were read front to back.
	part     int
	end, run int64
	// begun and last are when the first and the last of those bytes were read.
	begun, last time.Time
	// window is how many bytes to fetch ahead.
	window int64
	// little says that all the rest is to be fetched once somebody reads on, or timer ends, which begins with the first read; all
	// that it is to be now.
	little, all bool
	timer       *time.Timer
	held        map[int]*download.Reader
	failed      map[int]bool
	closed      bool
	running     bool
	wake        chan struct{}
}

// noPart is what stands for a part where none was read.
const noPart = -1

// Ahead gives what fetches ahead of readers of an open clip of many parts, which opener has open. It fetches nothing yet. Close has to follow.
func (p *Prefetcher) Ahead(file File, opener download.By) *Ahead {
	return &Ahead{
		downloads: p.downloads, store: p.store, file: file, opener: opener, habits: p.habits,
		most: min(p.options.ReadAhead, p.budget()), eager: p.eager(), atOnce: p.options.Connections, part: noPart,
		held: make(map[int]*download.Reader), failed: make(map[int]bool), wake: make(chan struct{}, 1),
	}
}

// Opened is called once the clip is open: if little of it is missing all of it will be fetched, a while after any of its
// media is read. Whoever only looks at the head costs nothing.
func (a *Ahead) Opened() {
	missing := int64(0)
	for i := range a.file.Parts {
		if start, end := a.file.Bounds(i); !a.onDisk(i) {
			missing += end - start
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.little = missing > 0 && missing <= a.eager
	a.whole = a.habits.readsWhole(a.opener.Operation)
}

// fetchAll has all the rest fetched, unless the clip was closed: timer calls it.
func (a *Ahead) fetchAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = true
	a.goLocked()
}

// onDisk reports whether a part's payload is on disk.
func (a *Ahead) onDisk(i int) bool { return a.store.Has(a.file.Payload(i).Key) }

// Note is told of every read of media before it is served, and whether that has to wait. It never waits itself.
func (a *Ahead) Note(part int, off, n int64, waits bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = time.Now()
	if a.run == 0 {
		a.begun = a.last
	}
	next := off <= a.end+aheadSlack && off+n >= a.end-aheadSlack && a.part != noPart
	switch {
	case !next && a.end > 0:
		a.seekLocked()
		a.begun = a.last
	case off+n > a.end:
		a.run += off + n - max(a.end, off)
	}
	moved := part != a.part
	a.part = part
	if !next || off+n > a.end {
		a.end = off + n
	}
	if a.little && a.timer == nil {
		a.timer = time.AfterFunc(allAfter, a.fetchAll)
	}
	if a.little && !a.all && a.run >= aheadAfter {
		a.all, moved = true, true
	}
	if a.all && moved {
		a.goLocked()
	}
	if a.most <= 0 || a.all || a.run < aheadAfter && !a.whole {
		return
	}
	grew := a.growLocked(part, waits)
	if grew || moved {
		a.goLocked()
	}
}

// growLocked makes the window larger where its reader is better served so, by no less than 1/growShare at once.
func (a *Ahead) growLocked(part int, waits bool) bool {
	start, end := a.file.Bounds(part)
	want := max(a.window, end-start)
	if waits && a.window > 0 {
		want = max(want, aheadTimes*a.run)
	}
	if a.whole {
		want = a.most
	}
	want = min(want, a.most)
	if want == a.window || a.window > 0 && want < a.most && want < a.window+a.window/growShare {
		return false
	}
	a.window = want
	return true
}

// seekLocked lets go of what was fetched ahead of another place.
func (a *Ahead) seekLocked() {
	a.run, a.window, a.whole = 0, 0, false
	for i, h := range a.held {
		delete(a.held, i)
		go h.Close() // it may remove a file
	}
	if a.all {
		a.goLocked()
	}
}

// goLocked has the goroutine look, starting it if need be.
func (a *Ahead) goLocked() {
	if a.closed {
		return
	}
	if a.running {
		select {
		case a.wake <- struct{}{}:
		default:
		}
		return
	}
	a.running = true
	go a.fetch()
}

// fetch takes parts up until there are none to take up.
func (a *Ahead) fetch() {
	for a.takeUp() {
		<-a.wake
	}
}

// takeUp takes up the parts that are wanted and not held, and reports whether any is still being fetched.
func (a *Ahead) takeUp() bool {
	for {
		a.mu.Lock()
		i, ok := a.nextLocked()
		if !ok {
			if a.running = len(a.held) > 0 && !a.closed; !a.running {
				a.drainLocked()
			}
			running := a.running
			a.mu.Unlock()
			return running
		}
		a.mu.Unlock()
		h, err := a.downloads.Hold(context.Background(), *a.file.Payload(i), download.Want{Priority: archive.ForAhead, By: a.opener})
		a.mu.Lock()
		switch {
		case err != nil:
			a.failed[i] = true
		case a.closed:
			go h.Close()
		default:
			a.held[i] = h
			go a.follow(i, h)
		}
		a.mu.Unlock()
	}
}

// drainLocked forgets a wake-up that nobody waits for.
func (a *Ahead) drainLocked() {
	select {
	case <-a.wake:
	default:
	}
}

// nextLocked gives the next part to take up: in the order in which they will be read.
func (a *Ahead) nextLocked() (int, bool) {
	if a.closed || len(a.held) >= a.atOnce {
		return 0, false
	}
	n := a.file.Parts
	reach := a.end + a.window
	for k := range n {
		i := (a.part + k) % n
		start, end := a.file.Bounds(i)
		if !a.all && (i < a.part || start >= reach) {
			break
		}
		switch missing := !a.failed[i] && !a.onDisk(i) && end > start; {
		case a.held[i] != nil:
		case missing:
			return i, true
		case a.whole: // it is on disk, and nothing of the window is needed for it
			reach += end - max(start, min(a.end, end))
		}
	}
	return 0, false
}

// follow gives a part's hold up when it is whole, or cannot be had: then its reader will be told why.
func (a *Ahead) follow(i int, h *download.Reader) {
	<-h.Done()
	a.mu.Lock()
	if a.held[i] == h {
		delete(a.held, i)
		a.failed[i] = h.Err() != nil
	}
	a.goLocked()
	a.mu.Unlock()
	h.Close()
}

// Close ends it: what nobody else reads is fetched no further.
func (a *Ahead) Close() {
	a.mu.Lock()
	a.closed = true
	if a.timer != nil {
		a.timer.Stop()
	}
	held := a.held
	a.held = nil
	running, read, run, took := a.running, a.end > 0, a.run, a.last.Sub(a.begun)
	a.mu.Unlock()
	if read {
		size, plays := a.file.media()
		a.habits.note(a.opener.Operation, size, run >= size*wholeShare/10 && took <= plays/wholeSpeed)
	}
	for _, h := range held {
		h.Close()
	}
	if running {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
}
