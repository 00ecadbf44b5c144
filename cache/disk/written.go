package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// writtenFor is how long after a pair was written its proof is due. The kernel writes back by itself after as long (vm.dirty_expire_centisecs), so that
	// little is left to wait for.
	writtenFor = 30 * time.Second
	// maxWritten bounds how many pairs wait for their proof: each is an open file. From half of them on the oldest are due at once, and one more stays
	// without a proof.
	maxWritten = 256
	// lookAgain is how long to wait at most until the queue is looked at again.
	lookAgain = writtenFor / 2
)

// written are the pairs whose proof is due, those written first in front. Their files stay open: what opens a file later does not hear of every error of
// writing it back, and another disk may be mounted there by then.
type written struct {
	// mu guards queue. No file is closed under it.
	mu    sync.Mutex
	queue []*Written
}

// Written is the data of a pair that this process has written or checked, and that is perhaps not on the disk yet.
type Written struct {
	path  string
	open  *os.File
	proof proof
	due   time.Time
}

// wrote has the proof of the data in its present state be due in a while. Where that cannot be, the data is not proven.
func (d *Directory) wrote(path string) {
	open, err := openFile(path)
	if err != nil {
		return
	}
	info, err := open.Stat()
	if err == nil {
		p, ok := proofOf(d.boot, info)
		if ok && info.Size() > 0 && d.written.add(&Written{path: path, open: open, proof: p, due: time.Now().Add(writtenFor)}) {
			return
		}
	}
	_ = open.Close() // only read from
}

// add is false where too many wait.
func (q *written) add(w *Written) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) >= maxWritten {
		return false
	}
	q.queue = append(q.queue, w)
	return true
}

// drop forgets data that is to be removed, so that its space is free then.
func (q *written) drop(path string) {
	q.mu.Lock()
	i := slices.IndexFunc(q.queue, func(w *Written) bool { return w.path == path })
	var open *os.File
	if i >= 0 {
		open = q.queue[i].open
		q.queue = slices.Delete(q.queue, i, i+1)
	}
	q.mu.Unlock()
	if open != nil {
		_ = open.Close() // only read from
	}
}

// NextWritten gives the data whose proof is due, for Prove; nil if there is none, and when to ask again.
func (d *Directory) NextWritten() (w *Written, again time.Duration) {
	q := &d.written
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) == 0 {
		return nil, lookAgain
	}
	w = q.queue[0]
	if left := time.Until(w.due); left > 0 && len(q.queue) <= maxWritten/2 {
		return nil, min(left, lookAgain)
	}
	q.queue = slices.Delete(q.queue, 0, 1)
	return w, 0
}

// FirstWritten gives the data that waits longest for its proof, due or not, for Prove; nil if none waits.
func (d *Directory) FirstWritten() *Written {
	q := &d.written
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) == 0 {
		return nil
	}
	w := q.queue[0]
	q.queue = slices.Delete(q.queue, 0, 1)
	return w
}

// closeWritten leaves what waits without a proof.
func (d *Directory) closeWritten() {
	d.written.mu.Lock()
	queue := d.written.queue
	d.written.queue = nil
	d.written.mu.Unlock()
	for _, w := range queue {
		_ = w.open.Close() // only read from
	}
}

// Name is that of the data.
func (w *Written) Name() Name {
	name, _ := ParseName(filepath.Base(w.path)) // it is one of ours
	return name
}

// Close leaves the data without a proof.
func (w *Written) Close() error { return w.open.Close() }

// Prove has the disk have the data, and then writes the proof, unless another program has changed the data since. ErrLost if the disk did not take it. It
// leaves the data without a proof when ctx ends, and where the file system cannot tell. The Written is closed then.
func (w *Written) Prove(ctx context.Context, d *Directory) error {
	synced, left := make(chan error), make(chan struct{})
	go func() {
		select {
		case synced <- d.Sync(w.open):
		case <-left:
			_ = w.open.Close() // only read from
		}
	}()
	select {
	case err := <-synced:
		defer func() { _ = w.open.Close() }() // the same
		if err != nil {
			return lost(err)
		}
	case <-ctx.Done(): // a disk that hangs keeps nobody from ending
		close(left)
		return nil
	}
	info, err := w.open.Stat()
	if err != nil {
		return err
	}
	if now, ok := proofOf(d.boot, info); !ok || now != w.proof {
		return nil
	}
	return writeProof(strings.TrimSuffix(w.path, dataSuffix)+checksSuffix, w.proof)
}

// lost is ErrLost for an error of writing data back; nil where the file system just cannot be told to (fdatasync(2)).
func lost(err error) error {
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrLost, err)
}

// fdatasync waits until the disk has the data of a file, with what is needed to find it.
func fdatasync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// writeProof writes a proof behind the checksums of a pair, which is no use of it.
func writeProof(path string, p proof) error {
	before, err := os.Lstat(path)
	if err != nil {
		return err
	}
	c, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = c.WriteAt(p.encode(), before.Size()-proofSize)
	used := before.ModTime()
	return errors.Join(err, c.Close(), os.Chtimes(path, used, used))
}
