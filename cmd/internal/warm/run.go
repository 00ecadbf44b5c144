package warm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/clip/archive"
)

const (
	// readSize is how much is read at once.
	readSize = 1 << 20
	// maxOpens is how often a clip is opened again after its footage changed during the read.
	maxOpens = 4
	// keptAfter is how long it may take until what was read is whole in the cache, keptPoll how often that is asked.
	keptAfter = 10 * time.Second
	keptPoll  = 20 * time.Millisecond
	// headsPoll is how often it is asked how many heads of a clip have come.
	headsPoll = 500 * time.Millisecond
	// DefaultParallel is how many clips are read at once.
	DefaultParallel = 4
)

// errNotKept: a clip was read and is not in the cache.
var errNotKept = errors.New("read, and not in the cache: it has no space for it (see --cache-size and --memory of the mount)")

// errEvicted: a clip was in the cache, and had to go for others.
var errEvicted = errors.New("in the cache for a while, and gone for what came after it (see --cache-size of the mount)")

// Options are the settings of a run. The zero value works.
type Options struct {
	// Parallel is how many clips are read at once; 0 means DefaultParallel.
	Parallel int
	// Heads has clips opened and not read: their heads are in the cache then, and opening them takes no time.
	Heads bool
	// Progress is told how it goes; it may be nil.
	Progress Progress
}

// Progress is told how a run goes. Its methods are called from many goroutines.
type Progress interface {
	// Resize tells that the sizes of all clips to read are another number of bytes than before by so many, or that heads are.
	Resize(by int64)
	// Read tells of bytes that were read, or of heads that came.
	Read(n int64)
	// Done tells of a clip that was read, and is in the cache unless err says why it is not.
	Done(c Clip, err error)
}

// Result is what a run came to.
type Result struct {
	// There were in the cache, Fetched are now.
	There, Fetched int
	Failed         []Failure
}

type runner struct {
	progress Progress
	heads    bool

	// mu guards the rest.
	mu     sync.Mutex
	result Result
	// had has, of each clip that was read or was there, or was there, how many fragments it had.
	had map[string]string
}

// Run reads the clips that are not whole in the cache, and checks in the end that all of them are. When ctx ends it
// begins with no other and leaves those under way after their next read; what was not begun is in no part of the result.
func Run(ctx context.Context, clips []Clip, o Options) Result {
	r := &runner{progress: o.Progress, heads: o.Heads, had: make(map[string]string)}
	if r.progress == nil {
		r.progress = silent{}
	}
	todo := make(chan Clip)
	var wg sync.WaitGroup
	for range cmp.Or(o.Parallel, DefaultParallel) {
		wg.Go(func() {
			for c := range todo {
				r.one(ctx, c)
			}
		})
	}
	for _, c := range clips {
		if ctx.Err() != nil {
			break
		}
		if c.Missing == 0 && !o.Heads {
			fragments, err := attribute(c.Path, "fragments")
			r.is(c, fragments)
			r.note(c, err, true)
			continue
		}
		select {
		case todo <- c:
		case <-ctx.Done():
		}
	}
	close(todo)
	wg.Wait()
	if !o.Heads {
		r.lookAgain(ctx, clips)
	}
	return r.result
}

type silent struct{}

func (silent) Resize(int64)     {}
func (silent) Read(int64)       {}
func (silent) Done(Clip, error) {}

func (r *runner) note(c Clip, err error, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.result.Failed = append(r.result.Failed, Failure{Path: c.Path, Err: err})
	case there:
		r.result.There++
	default:
		r.result.Fetched++
	}
}

func (r *runner) one(ctx context.Context, c Clip) {
	var err error
	for range maxOpens {
		err = r.open(ctx, c)
		if !errors.Is(err, unix.ESTALE) || ctx.Err() != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil && !errors.Is(err, errNotKept) {
		err = plain(err)
		if why, missing := attribute(c.Path, "error"); missing == nil {
			err = fmt.Errorf("%w: %s", err, why)
		}
	}
	r.note(c, err, false)
	r.progress.Done(c, err)
}

// open reads a clip, or opens it where that is all that is wanted. Where the mount does not let an open take so long
// (--max-open-wait), it goes on there, and is tried again.
func (r *runner) open(ctx context.Context, c Clip) error {
	for {
		what := r.read
		if r.heads {
			what = r.headOf
		}
		err := what(ctx, c)
		if !errors.Is(err, unix.ETIMEDOUT) || ctx.Err() != nil {
			return err
		}
		if why, missing := attribute(c.Path, "error"); missing != nil || !strings.Contains(why, archive.ErrOpenWait.Error()) {
			return err
		}
	}
}

// headOf has the head of a clip in the cache: opening waits for those of its parts, and tells how many have come.
func (r *runner) headOf(_ context.Context, c Clip) error {
	opened := make(chan error, 1)
	go func() {
		f, err := os.Open(c.Path)
		if err == nil {
			err = f.Close()
		}
		opened <- err
	}()
	ticker := time.Tick(headsPoll)
	var come, all int64
	for {
		select {
		case <-ticker:
		case err := <-opened:
			if err != nil {
				r.progress.Resize(come - all)
				return err
			}
			r.progress.Read(all - come)
			return nil
		}
		text, err := attribute(c.Path, "progress")
		if err != nil {
			continue // it does not wait for heads
		}
		var now, of int64
		if _, err := fmt.Sscanf(text, "%d of %d heads", &now, &of); err == nil {
			r.progress.Resize(of - all)
			r.progress.Read(now - come)
			come, all = now, of
		}
	}
}

// read reads all of a clip and waits until it is in the cache.
func (r *runner) read(ctx context.Context, c Clip) error {
	f, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r.progress.Resize(info.Size() - c.Size)
	buffer := make([]byte, readSize)
	done := int64(0)
	for ctx.Err() == nil {
		n, err := f.Read(buffer)
		done += int64(n)
		r.progress.Read(int64(n))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.progress.Resize(c.Size - info.Size())
			r.progress.Read(-done)
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// It was read to be in the cache of the mount, not in the kernel's.
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	if done != info.Size() {
		return fmt.Errorf("%d bytes of %d: %w", done, info.Size(), io.ErrUnexpectedEOF)
	}
	fragments, err := attributeOf(f, "fragments")
	if err != nil {
		return err
	}
	r.is(c, fragments)
	return kept(ctx, f)
}

// is notes how many fragments a clip had.
func (r *runner) is(c Clip, fragments string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.had[c.Path] = fragments
}

// kept waits until a clip that was read is in the cache.
func kept(ctx context.Context, f *os.File) error {
	for deadline := time.Now().Add(keptAfter); ; {
		missing, err := parseMissing(attributeOf(f, "missing"))
		if err != nil || missing == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return errNotKept
		}
		select {
		case <-time.After(keptPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lookAgain notes the clips that had to go for others. One that has other footage by now is another one.
func (r *runner) lookAgain(ctx context.Context, clips []Clip) {
	failed := make(map[string]bool)
	for _, f := range r.result.Failed {
		failed[f.Path] = true
	}
	for _, c := range clips {
		if ctx.Err() != nil {
			return
		}
		missing, err := missingOf(c.Path)
		if err != nil || missing == 0 || failed[c.Path] {
			continue
		}
		if fragments, err := attribute(c.Path, "fragments"); err != nil || fragments != r.had[c.Path] {
			continue
		}
		r.note(c, errEvicted, false)
		if c.Missing == 0 {
			r.result.There--
		} else {
			r.result.Fetched--
		}
	}
}

// IsEvicted reports whether a clip failed only because it had to go for others, which is known in the end.
func IsEvicted(err error) bool { return errors.Is(err, errEvicted) }
