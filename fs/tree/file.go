package tree

import (
	"bytes"
	"context"
	"os"

	"clipfs/clip"
)

// File is one immutable version of a file.
type File struct {
	Info
	// Version tells the bytes from those of other versions at the same path.
	Version string
	// ContentType is a media type (RFC 2046).
	ContentType string
	// Fixed is the path at which these bytes stay, where Path names others from moment to moment; else empty.
	Fixed string
	// Private files are for the user only whose process this is, whoever else sees the tree.
	Private bool

	content content
	// measured runs open and calls spent when all that was fetched for that has ended; nil where opening fetches
	// nothing.
	measured func(open func() error, spent func(bytes int64, calls int)) error
}

// content makes the bytes of a file.
type content interface {
	// Size is the size in bytes; until it is exact it is an estimate on the high side.
	Size() (n int64, exact bool)
	// stored is how much disk the file stands for, in bytes.
	stored() int64
	// open waits until the size is exact.
	open(context.Context) (Reader, error)
}

// made is what a form makes of a clip.
type made struct {
	version string
	content content
	// attributes says that the file has those of the clip. Of those notes are more than the clip has, one a line, and err is why the file
	// could not be opened; it may be nil.
	attributes bool
	notes      string
	err        func() error
	// measured is File.measured; nil where that is the clip's.
	measured func(open func() error, spent func(bytes int64, calls int)) error
}

// Size is the size in bytes. Where it is not exact it is an estimate on the high side, and opening makes it exact.
func (f *File) Size() (n int64, exact bool) { return f.content.Size() }

// Stored is how many bytes the archive keeps of what is in the file, which is what a disk usage should count.
func (f *File) Stored() int64 { return f.content.stored() }

// Open waits until the size is exact and gives the bytes. ErrChanged or ErrNoFootage where this version is no longer to
// be had: Place.Find then gives what is.
func (f *File) Open(ctx context.Context) (Reader, error) { return f.content.open(ctx) }

// Reader reads an open file. It is safe for concurrent use.
type Reader interface {
	// Size is exact.
	Size() int64
	// ReadAt reads as io.ReaderAt does; it may wait for the archive until ctx ends.
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
	// Complete reports that no read will wait for the archive.
	Complete() bool
	Close() error
}

// OnDisk is a Reader that can tell where its bytes are on the disk of this machine, for faces that hand them on without taking them into
// memory (sendfile(2)).
type OnDisk interface {
	// OnDisk gives an open file and where in it length of the n bytes from off on are, which were checked if they have to be. Length
	// is 0 where there are none yet or no longer: ReadAt knows more. The file is open at least until the Reader is closed, unless
	// ReadAt finds it damaged, and not for the caller to close.
	OnDisk(off, n int64) (file *os.File, at, length int64)
}

// Backed is a Reader whose bytes may be all that is in a file on the disk of this machine, for faces that have the kernel read
// them by itself.
type Backed interface {
	// Backing gives that file; false where there is none, or not all of it was checked. It is open until the Reader is closed, and
	// stays right after that for whoever has opened it by then.
	Backing() (*os.File, bool)
}

var (
	_ OnDisk = (*clip.Handle)(nil)
	_ Backed = (*clip.Handle)(nil)
)

// readerOf gives an open handle as a Reader, or none.
func readerOf[R Reader](r R, err error) (Reader, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Text is a Reader of bytes in memory.
type Text []byte

// Size is the length of the text.
func (t Text) Size() int64 { return int64(len(t)) }

// ReadAt never waits.
func (t Text) ReadAt(_ context.Context, p []byte, off int64) (int, error) {
	return bytes.NewReader(t).ReadAt(p, off)
}

// Complete is always so.
func (t Text) Complete() bool { return true }

// Close does nothing.
func (t Text) Close() error { return nil }

// written is the content of a file whose size is known before it is opened and its text is written.
type written struct {
	size  int64
	write func(context.Context) ([]byte, error)
}

// Size is exact.
func (w written) Size() (n int64, exact bool) { return w.size, true }

func (w written) stored() int64 { return w.size }

func (w written) open(ctx context.Context) (Reader, error) {
	text, err := w.write(ctx)
	return readerOf(Text(text), err)
}
