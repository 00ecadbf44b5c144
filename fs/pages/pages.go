// Package pages has the kernel take bytes of files from its page cache itself, where a read would copy them into memory of ours first. A
// Run maps a few pages for the moment of one system call that hands them on. This process never touches them: what another program cuts
// off meanwhile would end it (SIGBUS, mmap(2)), while the system call just fails.
package pages

import (
	"io"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Worthwhile is from how many bytes on mapping costs less than reading: below it, the calls do (measured on Linux 6.18).
const Worthwhile = 256 << 10

// Pool keeps Runs for the next use, so that mapping allocates nothing. The zero value is ready.
type Pool struct{ runs sync.Pool }

// Run is some bytes of a file, as they are in the page cache.
type Run struct {
	pool *Pool
	// mapFile is the method mapPages of this Run, made once.
	mapFile func(fd uintptr)

	at     int64
	length int
	start  unsafe.Pointer
	stat   unix.Stat_t
	err    error
}

// File is an open file to be mapped from. The mapping outlives it.
type File struct {
	file *os.File
	conn syscall.RawConn
}

// Of gives a file to map from.
func Of(f *os.File) (*File, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &File{f, conn}, nil
}

// Is reports whether it is this file.
func (f *File) Is(file *os.File) bool { return f != nil && f.file == file }

// Map maps bytes of a file, and has the kernel read those that are not in memory. It fails where they cannot be mapped, as on some
// filesystems, or not all of them be read. os.ErrClosed if the file is closed. The caller has to Unmap the Run.
func (p *Pool) Map(f *File, at int64, length int) (*Run, error) {
	r, ok := p.runs.Get().(*Run)
	if !ok {
		r = &Run{pool: p}
		r.mapFile = r.mapPages
	}
	before := at % int64(os.Getpagesize())
	r.at, r.length, r.err = at-before, length+int(before), nil
	if f.conn.Control(r.mapFile) != nil { // which keeps the file open meanwhile
		r.err = os.ErrClosed
	}
	if err := r.err; err != nil {
		p.runs.Put(r)
		return nil, err
	}
	return r, nil
}

// mapPages maps the pages of a file and has all of them be there, so that what is wrong with it is known before the bytes are used.
func (r *Run) mapPages(fd uintptr) {
	if r.start, r.err = unix.MmapPtr(int(fd), r.at, nil, uintptr(r.length), unix.PROT_READ, unix.MAP_SHARED); r.err != nil {
		return
	}
	pages := unsafe.Slice((*byte)(r.start), r.length)
	// Page faults alone would have the disk read a little at a time.
	if r.err = unix.Madvise(pages, unix.MADV_WILLNEED); r.err == nil {
		r.err = unix.Madvise(pages, unix.MADV_POPULATE_READ)
	}
	if r.err == nil { // behind its end a file has zeros up to the end of a page
		if r.err = unix.Fstat(int(fd), &r.stat); r.err == nil && r.stat.Size < r.at+int64(r.length) {
			r.err = io.ErrUnexpectedEOF
		}
	}
	if r.err != nil {
		_ = unix.MunmapPtr(r.start, uintptr(r.length)) // it is a mapping
	}
}

// Bytes gives the last n bytes of the Run, all of which were asked for, to be handed to a system call and not to be looked at.
func (r *Run) Bytes(n int) []byte { return unsafe.Slice((*byte)(r.start), r.length)[r.length-n:] }

// Unmap ends the Run.
func (r *Run) Unmap() {
	_ = unix.MunmapPtr(r.start, uintptr(r.length)) // it is a mapping
	r.start = nil
	r.pool.runs.Put(r)
}
