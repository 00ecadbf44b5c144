package clip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"clipfs/clip/archive"
	"clipfs/clip/download"
)

// Handle is an open clip. It is safe for concurrent use.
type Handle struct {
	clip *Clip
	size int64
	file file
	once sync.Once
}

// file is where the bytes of a clip come from: one payload, or many joined.
type file interface {
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
	Stored(off, n int64) (f *os.File, at, length int64)
	Complete() bool
	Close()
}

var (
	_ file = (*download.Reader)(nil)
	_ file = (*joinedFile)(nil)
)

// Size is the exact size in bytes.
func (h *Handle) Size() int64 { return h.size }

// Complete reports whether every byte is on disk, so that no read will wait for the archive.
func (h *Handle) Complete() bool { return h.file.Complete() }

// ReadAt reads as io.ReaderAt does and waits for no other bytes than those asked for. ctx ends the wait. After a
// download failed, or a cached file was found damaged, the payload is fetched anew; ErrChanged if the archive then no
// longer has this version.
func (h *Handle) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	n, err := h.file.ReadAt(ctx, p, off)
	if errors.Is(err, archive.ErrNoFootage) || errors.Is(err, archive.ErrNoStream) {
		err = fmt.Errorf("%w: %v", archive.ErrChanged, err) //nolint:errorlint // for an open file it is no name that is not there
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = h.clip.note(fmt.Errorf("read %s %s at %d: %w", h.clip.stream.Name, h.clip.span, off, err))
	}
	return n, err
}

// OnDisk gives a file on disk and where in it length of the n bytes from off on are, for those who can hand them on as they are. Length is 0
// where there are none yet, or no longer: ReadAt then gives them, or why not. The file is not for the caller to close. A read of it that
// fails is to be made by ReadAt.
func (h *Handle) OnDisk(off, n int64) (f *os.File, at, length int64) { return h.file.Stored(off, n) }

// Backing gives a file on disk that has just the clip, every byte of which is right, for the kernel to read from by itself; false where there
// is none: of many parts, not all there, or not all checked. It is open until Close, and not for the caller to close.
func (h *Handle) Backing() (*os.File, bool) {
	whole, ok := h.file.(*download.Reader)
	if !ok {
		return nil, false
	}
	return whole.Backing()
}

// Drop has what is on disk of a clip of one part fetched again when it is next opened. Other clips stay as they are.
func (h *Handle) Drop() {
	if h.clip.calls == 1 && h.clip.made() == nil {
		h.clip.library.cache.Drop(h.clip.key)
	}
}

// Close gives the handle up. What nobody else reads is fetched no further.
func (h *Handle) Close() error {
	h.once.Do(func() {
		h.file.Close()
		h.clip.library.handles.Add(-1)
		h.clip.used().Give()
	})
	return nil
}
