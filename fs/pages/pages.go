// Package pages has the kernel take bytes of files from its page cache itself, where a read would copy them into memory of ours first. A
// Run is the pages themselves, in a pipe (splice(2)), for the system calls that hand them on.
//
// What another program cuts off a file the kernel may fill with zeros in these pages too. So the length of the file is looked at once more when the Run is
// asked for its bytes, and there are none if it is shorter. From there on it is as with a read that is under way.
package pages

import (
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// worthwhile is from how many bytes on taking costs less than reading: below it, the calls do (measured on Linux 6.18).
	worthwhile = 128 << 10
	// Most is how many bytes a Run has at most: with what is put before it, it has to fit into a pipe.
	Most = capacity / 2
	// capacity is that of a pipe: as much as any user may have (/proc/sys/fs/pipe-max-size).
	capacity = 1 << 20
	// maxRuns is how many Runs there are at once. All pipes of an ordinary user have 64 MiB before they get no larger (pipe(7)), and what hands a Run on
	// has one of its own.
	maxRuns = 16
	// refusal is for how long none is taken after one could not be handed on: what hands it on has no pipe that is large enough, and says so each time.
	refusal = time.Minute
)

// ErrBusy says that there are many Runs just now.
var ErrBusy = errors.New("too many pipes in use")

// Pool keeps pipes for the next use, so that a Run allocates nothing. They are closed once it is garbage. The zero value is ready.
type Pool struct {
	// mu guards the rest.
	mu   sync.Mutex
	idle []*Run
	// made is how many Runs there are, idle or not.
	made int
	// refused is when bytes of a Run could last not be handed on.
	refused time.Time
}

// Run is some bytes of a file, as they are in the page cache.
type Run struct {
	pool *Pool
	// in and out are the ends of a pipe, which end gives up.
	in, out int
	end     runtime.Cleanup
	// take and look are the methods splice and measure of this Run, made once.
	take, look func(fd uintptr)

	from *File
	at   int64
	left int
	size int
	stat unix.Stat_t
	err  error
}

// File is an open file to take pages of.
type File struct {
	file *os.File
	conn syscall.RawConn
}

// Of gives a file to take pages of.
func Of(f *os.File) (*File, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &File{f, conn}, nil
}

// Fits reports whether so many bytes can be taken, and whether that is worthwhile. What hands them on puts some bytes before them, in a pipe of its own
// that is as large as all of them and a page; a pipe has a place for each page, and bytes begin anywhere in one. So only whole pages have room there
// wherever they begin, and what has none would be handed on short.
func Fits(n int) bool { return n >= worthwhile && n <= Most && n%os.Getpagesize() == 0 }

// Is reports whether it is this file.
func (f *File) Is(file *os.File) bool { return f != nil && f.file == file }

// Take takes bytes of a file, as many as Fits, and has the kernel read those that are not in memory. It fails where they cannot be taken, as on
// some filesystems, or not all of them be read: os.ErrClosed if the file is closed, ErrBusy where reading them is better just now. The caller has to
// Give the Run back.
func (p *Pool) Take(f *File, at int64, length int) (*Run, error) {
	r, err := p.run()
	if err != nil {
		return nil, err
	}
	r.from, r.at, r.left, r.size, r.err = f, at, length, length, nil
	if f.conn.Control(r.take) != nil { // which keeps the file open meanwhile
		r.err = os.ErrClosed
	}
	if r.err != nil {
		err = r.err
		r.Give()
		return nil, err
	}
	return r, nil
}

// run gives a Run with an empty pipe.
func (p *Pool) run() (*Run, error) {
	if r, err := p.unused(); r != nil || err != nil {
		return r, err
	}
	r, err := newRun(p)
	if err != nil {
		p.back(nil)
	}
	return r, err
}

// unused gives a Run that was used before; nil if the caller is to make one.
func (p *Pool) unused() (r *Run, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.refused) < refusal {
		return nil, ErrBusy
	}
	if last := len(p.idle) - 1; last >= 0 {
		r, p.idle = p.idle[last], p.idle[:last]
		return r, nil
	}
	if p.made == maxRuns {
		return nil, ErrBusy
	}
	p.made++
	return nil, nil //nolint:nilnil // see above
}

// back takes a Run back whose pipe is empty; nil for one that is no more.
func (p *Pool) back(r *Run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r == nil {
		p.made--
		return
	}
	p.idle = append(p.idle, r)
}

// newRun makes a Run with an empty pipe.
func newRun(pool *Pool) (*Run, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	if _, err := unix.FcntlInt(uintptr(ends[0]), unix.F_SETPIPE_SZ, capacity); err != nil {
		closeBoth(ends)
		return nil, os.NewSyscallError("fcntl", err)
	}
	r := &Run{pool: pool, out: ends[0], in: ends[1]}
	r.take, r.look = r.splice, r.measure
	r.end = runtime.AddCleanup(r, closeBoth, ends)
	return r, nil
}

func closeBoth(ends [2]int) { _, _ = unix.Close(ends[0]), unix.Close(ends[1]) } // nothing is lost

// splice has the pages of a file be in the pipe. Behind the end of the file there are none.
func (r *Run) splice(fd uintptr) {
	torn := false // within a page
	for r.left > 0 && r.err == nil {
		n, err := unix.Splice(int(fd), &r.at, r.in, nil, r.left, unix.SPLICE_F_NONBLOCK)
		switch {
		case n > 0:
			if torn { // which takes one place more than Fits reckons with
				r.err = ErrBusy
			}
			r.left -= int(n)
			torn = r.at%int64(os.Getpagesize()) != 0
		case err == nil:
			r.err = io.ErrUnexpectedEOF
		case !errors.Is(err, unix.EINTR):
			r.err = err
		}
	}
}

// Size is how many bytes the Run has.
func (r *Run) Size() int { return r.size }

// Pipe gives the end of the pipe from which the bytes are to be taken, all of them or none. It is empty where they were taken already, or the file was
// cut off.
func (r *Run) Pipe() uintptr {
	if !r.whole() {
		r.empty()
	}
	return uintptr(r.out)
}

// Refused tells that the bytes could not be handed on. ErrBusy comes of all others for a minute.
func (r *Run) Refused() {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	r.pool.refused = time.Now()
}

// Read copies all the bytes to p, which has space for them. It fails where they were taken already, or the file was cut off.
func (r *Run) Read(p []byte) error {
	for n := 0; n < r.size; {
		k, err := unix.Read(r.out, p[n:r.size])
		switch {
		case k > 0:
			n += k
		case err == nil:
			return io.ErrUnexpectedEOF
		case !errors.Is(err, unix.EINTR):
			return os.NewSyscallError("read", err)
		}
	}
	if !r.whole() {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// whole reports whether the file still has the bytes. One that was closed was not cut off by then.
func (r *Run) whole() bool {
	r.err = nil
	return r.from.conn.Control(r.look) != nil || r.err == nil && r.stat.Size >= r.at
}

// measure looks at the length of the file; r.at is where the bytes end.
func (r *Run) measure(fd uintptr) { r.err = unix.Fstat(int(fd), &r.stat) }

// empty drops what is in the pipe.
func (r *Run) empty() {
	for p := make([]byte, r.size); ; {
		if n, err := unix.Read(r.out, p); n <= 0 && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// Give gives the Run back, with what nobody has taken.
func (r *Run) Give() {
	r.from = nil
	if left, err := unix.IoctlGetInt(r.out, unix.TIOCINQ); err == nil && left == 0 {
		r.pool.back(r)
		return
	}
	r.end.Stop()
	closeBoth([2]int{r.out, r.in})
	r.pool.back(nil)
}
