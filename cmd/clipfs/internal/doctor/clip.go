package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"
)

// temporaryCache is how much the caches of the doctor take: a fragment has 50 MB at most.
const temporaryCache = 256 << 20

// checkClip reads a clip of one fragment: from the service, and again through a mount. Between the two it tries GetImages.
func (d *doctor) checkClip(ctx context.Context, service *kvs.Archive, c chosen, canMount bool) {
	if c.fragment == nil {
		d.check(ctx, "GetClip", func(ctx context.Context) (string, error) { return d.tryGetClip(ctx, service, c.stream.Name) })
		d.skip("ListFragments", "clip")
		d.checkImages(ctx, service, c)
		d.skip("ListFragments", "mount")
		return
	}
	dir, err := os.MkdirTemp("", "clipfs-doctor-")
	if err != nil {
		d.check(ctx, "GetClip", func(context.Context) (string, error) {
			return "", ailing(err, "make space for temporary files, or set TMPDIR")
		})
		d.skipFrom("clip", "GetClip")
		return
	}
	// Not all of it blindly: what is below could still be a mount.
	cacheDir := filepath.Join(dir, "cache")
	defer func() { _ = errors.Join(os.RemoveAll(cacheDir), os.Remove(dir)) }() // what is left is in the temporary files
	whole := d.readClip(ctx, service, c, cacheDir)
	d.checkImages(ctx, service, c)
	if !whole {
		d.skip("clip", "mount")
		return
	}
	if c.undescribed {
		d.skip("DescribeStream", "mount")
		return
	}
	if !canMount {
		d.skip("fuse device or fusermount3", "mount")
		return
	}
	limit := 2 * d.timeout
	d.checkFor(ctx, "mount", limit+endAfter, func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, limit) // and then it has to end
		defer cancel()
		return d.mountAndRead(ctx, dir, cacheDir, c)
	})
}

func (d *doctor) spanOf(c chosen) archive.Span {
	return archive.NewSpan(c.fragment.Time(d.cfg.Selector), max(c.fragment.Length, archive.Grain))
}

// readClip reads a clip of the fragment as a mount would, with a cache in a directory.
func (d *doctor) readClip(ctx context.Context, service *kvs.Archive, c chosen, dir string) bool {
	cfg := d.cfg
	cfg.CacheDir, cfg.CacheSize, cfg.MinFree, cfg.Streams = dir, temporaryCache, config.Share{}, nil
	cfg.ReadTimeout = d.timeout * 3 / 4 // so that what fails is told, and not that time is over
	var open atomic.Pointer[openClip]
	defer func() {
		if o := open.Load(); o != nil {
			_ = o.close() // it was only read from
		}
	}()
	if !d.check(ctx, "GetClip", func(ctx context.Context) (string, error) {
		began := time.Now()
		o, err := openAlone(ctx, &cfg, countedArchive{service, d}, c, d.spanOf(c))
		if err != nil {
			return "", ailing(err, adviceOn(err, "GetClip"))
		}
		open.Store(o)
		return fmt.Sprintf("began to answer after %s", time.Since(began).Round(time.Millisecond)), nil
	}) {
		d.skip("GetClip", "clip")
		return false
	}
	return d.check(ctx, "clip", func(ctx context.Context) (string, error) {
		h := open.Load().handle
		m, size, err := ReadMovie(io.NewSectionReader(contextReader{ctx, h}, 0, h.Size()))
		if err != nil {
			return "", ailing(fmt.Errorf("not a whole MP4 file: %w", err), adviceOn(err, "GetClip"))
		}
		return fmt.Sprintf("read whole: %s, %s", config.Bytes(size), m), nil
	})
}

type openClip struct {
	handle *clip.Handle
	parts  *mount.Assembly
}

func openAlone(ctx context.Context, cfg *mount.Config, service archive.Service, from chosen, span archive.Span) (_ *openClip, err error) {
	o := &openClip{}
	if o.parts, err = cfg.Assemble(ctx, service, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()
	if from.undescribed { // what was listed is as good
		if _, err := o.parts.Library.Streams(ctx); err != nil {
			return nil, err
		}
	}
	c, err := o.parts.Library.Clip(ctx, from.stream.Name, span)
	if err != nil {
		return nil, err
	}
	if o.handle, err = c.Open(ctx); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *openClip) close() error {
	var err error
	if o.handle != nil {
		err = o.handle.Close()
	}
	return errors.Join(err, o.parts.Close())
}

// contextReader reads a clip as long as a context lasts.
type contextReader struct {
	ctx    context.Context
	handle *clip.Handle
}

func (r contextReader) ReadAt(p []byte, off int64) (int, error) {
	return r.handle.ReadAt(r.ctx, p, off)
}

// tryLength and tryAge say which footage is asked for where it is not known what there is.
const (
	tryLength = 5 * time.Second
	tryAge    = time.Minute
)

// tryGetClip tries GetClip without knowing of any footage: that there is none is an answer too.
func (d *doctor) tryGetClip(ctx context.Context, service *kvs.Archive, name archive.StreamName) (string, error) {
	payload, err := countedArchive{service, d}.Payload(ctx, archive.PayloadQuery{
		Stream: name, Selector: d.cfg.Selector, Span: archive.NewSpan(time.Now().Add(-tryAge), tryLength),
	})
	if errors.Is(err, archive.ErrNoFootage) {
		return fmt.Sprintf("permitted; a minute ago %s recorded nothing", name), nil
	}
	if err != nil {
		return "", ailing(err, adviceOn(err, "GetClip"))
	}
	if err := payload.Body.Close(); err != nil {
		return "", ailing(err, adviceOn(err, "GetClip"))
	}
	return "permitted", nil
}

// countedArchive counts what GetClip costs.
type countedArchive struct {
	archive.Service
	doctor *doctor
}

func (a countedArchive) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	a.doctor.clips.Add(1)
	p, err := a.Service.Payload(ctx, q)
	if err != nil {
		return nil, err
	}
	counted := *p
	counted.Body = &countedBody{p.Body, &a.doctor.fetched}
	return &counted, nil
}

type countedBody struct {
	io.ReadCloser
	sum *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.sum.Add(int64(n))
	return n, err
}
