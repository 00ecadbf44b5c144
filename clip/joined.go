package clip

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/prefetch"
)

// sourcesKept is how many parts a handle stays with, the latest one and those before it: who reads a file at two
// places in turn, as some players do, must not begin anew each time, and who has gone elsewhere must not go on fetching
// what it left.
const sourcesKept = 2

// joinedFile is an open clip of many parts.
type joinedFile struct {
	clip   *Clip
	layout *layout
	head   *download.Reader
	ahead  *prefetch.Ahead

	// mu guards the rest.
	mu     sync.Mutex
	closed bool
	// parts has those that were used last, the latest at the end.
	parts []*openPart
}

// openPart is a part that a handle stays with.
type openPart struct {
	*download.Reader
	index int
	// readers is how many reads are under way; joinedFile.mu guards it.
	readers int
}

// newJoinedFile gives a clip that opener has open, of which nothing is taken up.
func newJoinedFile(c *Clip, l *layout, opener download.By) *joinedFile {
	return &joinedFile{clip: c, layout: l, head: c.library.downloads.Made(l.headKey, l.request()), ahead: c.library.prefetch.Ahead(l.file(), opener)}
}

// ReadAt reads as io.ReaderAt does.
func (f *joinedFile) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, archive.ErrInvalid
	}
	n := 0
	for n < len(p) {
		s, ok := f.layout.at(off + int64(n))
		if !ok {
			return n, io.EOF
		}
		from := off + int64(n) - s.offset
		q := p[n : n+int(min(int64(len(p)-n), s.length-from))]
		k, err := f.readSegment(ctx, q, s, from)
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// readSegment fills p with what stands from a position of a segment on.
func (f *joinedFile) readSegment(ctx context.Context, p []byte, s segment, from int64) (n int, err error) {
	switch {
	case s.bytes != nil:
		n = copy(p, s.bytes[from:])
		f.clip.library.downloads.CountRead(n, true)
		return n, nil
	case s.part == noPart:
		n, err = f.head.ReadAt(ctx, p, from)
	default:
		n, err = f.readPart(ctx, p, s, from)
	}
	if n < len(p) && (err == nil || errors.Is(err, io.EOF)) {
		err = io.ErrUnexpectedEOF // a segment is as long as the layout says
	}
	if n == len(p) {
		err = nil
	}
	return n, err
}

// readPart fills p with media of a part, from a position of a segment on.
func (f *joinedFile) readPart(ctx context.Context, p []byte, s segment, from int64) (int, error) {
	part, err := f.enter(s.part)
	if err != nil {
		return 0, err
	}
	defer f.leave(part)
	f.ahead.Note(s.part, s.offset+from, int64(len(p)), part.Waits(s.at+from+int64(len(p))))
	n, err := part.ReadAt(ctx, p, s.at+from)
	if download.Outdated(err) {
		f.clip.outdate(f.layout.parts[s.part].payload)
	}
	return n, err
}

// Stored gives a file on disk, and where in it length of the n bytes from off on are. It waits for nothing.
func (f *joinedFile) Stored(off, n int64) (file *os.File, at, length int64) {
	s, ok := f.layout.at(off)
	if !ok || off < 0 || s.bytes != nil {
		return nil, 0, 0
	}
	from := off - s.offset
	n = min(n, s.length-from)
	if s.part == noPart {
		return f.head.Stored(from, n)
	}
	part, err := f.enter(s.part)
	if err != nil {
		return nil, 0, 0
	}
	defer f.leave(part)
	if file, at, length = part.Stored(s.at+from, n); length > 0 {
		f.ahead.Note(s.part, off, length, false)
	}
	return file, at, length
}

// enter gives a part to read from, and lets those go that were used before the last ones and that nobody reads.
func (f *joinedFile) enter(i int) (*openPart, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, download.ErrClosed
	}
	last := len(f.parts) - 1
	at := last
	for at >= 0 && f.parts[at].index != i {
		at--
	}
	var part *openPart
	if at >= 0 {
		part = f.parts[at]
	} else {
		p := &f.layout.parts[i]
		part = &openPart{index: i, Reader: f.clip.library.downloads.Reader(p.payload, download.Want{
			Priority: archive.ForReader, By: download.By{Usage: f.clip.used()}, Current: f.clip.current,
			Identity: download.Identity{Tables: p.tables, Understood: true},
		})}
	}
	part.readers++
	if at == last && at >= 0 {
		return part, nil
	}
	if at >= 0 {
		f.parts = slices.Delete(f.parts, at, at+1)
	}
	f.parts = append(f.parts, part)
	f.letGoLocked()
	return part, nil
}

// leave ends a read.
func (f *joinedFile) leave(part *openPart) {
	f.mu.Lock()
	defer f.mu.Unlock()
	part.readers--
	f.letGoLocked()
}

// letGoLocked closes the parts used longest ago, as long as there are more than sourcesKept, unless they are being read.
func (f *joinedFile) letGoLocked() {
	for k := 0; len(f.parts) > sourcesKept && k < len(f.parts)-1; {
		if f.parts[k].readers > 0 {
			k++
			continue
		}
		go f.parts[k].Close() // it may remove a file
		f.parts = slices.Delete(f.parts, k, k+1)
	}
}

// Complete reports whether every byte is on disk.
func (f *joinedFile) Complete() bool {
	if !f.clip.library.cache.Has(f.layout.headKey) {
		return false
	}
	return !slices.ContainsFunc(f.layout.parts, func(p layoutPart) bool { return !f.clip.library.cache.Has(p.payload.Key) })
}

// Close gives everything up.
func (f *joinedFile) Close() {
	f.ahead.Close()
	f.mu.Lock()
	f.closed = true
	parts := f.parts
	f.parts = nil
	f.mu.Unlock()
	for _, part := range parts {
		part.Close()
	}
	f.head.Close()
}
