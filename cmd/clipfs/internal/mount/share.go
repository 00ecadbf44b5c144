package mount

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/clip/parallel"
	"clipfs/cmd/clipfs/internal/config"
)

const (
	// scratch is the most that lies on this disk of what is on its way into the bucket, and waiting how much of that may wait to be
	// uploaded before anything more is fetched.
	scratch = 1 << 30
	waiting = scratch / 4
	// uploadPoll is how often it is asked how much waits.
	uploadPoll = 50 * time.Millisecond
)

// Sharing puts clips into the bucket of --shared-cache, with a cache of its own that has no more than what is on its way.
type Sharing struct {
	dir      string
	service  *kvs.Archive
	assembly *Assembly
	// slots has a place for each part that is fetched.
	slots chan struct{}
}

// OpenSharing begins with it: so many parts at once are fetched. It is the caller's to close.
func (c Config) OpenSharing(ctx context.Context, atOnce int, logger *slog.Logger) (_ *Sharing, err error) {
	if !c.Shared.Wanted() {
		return nil, config.Usagef("--shared-only: the mount has no --shared-cache")
	}
	s := &Sharing{slots: make(chan struct{}, atOnce)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "clipfs-warm-"); err != nil {
		return nil, err
	}
	c.CacheDir, c.CacheSize, c.Memory, c.MinFree = s.dir, scratch, 0, config.Share{}
	if s.service, err = c.OpenArchive(ctx, logger); err != nil {
		return nil, err
	}
	s.assembly, err = c.Assemble(ctx, s.service, logger)
	return s, err
}

// Close drops what is on its way, and removes the cache.
func (s *Sharing) Close() error {
	var err error
	if s.assembly != nil {
		err = s.assembly.Close()
	}
	if s.service != nil {
		err = errors.Join(err, s.service.Close())
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// Put has all parts of a clip, or of a cover clip, in the bucket, and gives how many were there before and how many are now. An error says also that some
// may not be shared.
func (s *Sharing) Put(ctx context.Context, stream archive.StreamName, span archive.Span, cover bool) (there, put int, err error) {
	look := s.assembly.Library.Clip
	if cover {
		look = s.assembly.Library.Cover
	}
	c, err := look(ctx, stream, span)
	if err != nil {
		return 0, 0, err
	}
	parts, private, err := c.SharedParts(ctx)
	if err != nil {
		return 0, 0, err
	}
	var missing []clip.SharedPart
	for _, p := range parts {
		has, err := s.assembly.tier.Has(ctx, p.ID)
		if err != nil {
			return there, 0, err
		}
		if has {
			there++
		} else {
			missing = append(missing, p)
		}
	}
	err = parallel.Each(ctx, cap(s.slots), len(missing), func(ctx context.Context, i int) error { return s.fetch(ctx, missing[i]) })
	err = cmp.Or(s.uploaded(ctx, 0), err)
	for _, p := range missing {
		if has, asked := s.assembly.tier.Has(ctx, p.ID); asked == nil && has {
			put++
		}
	}
	if left := private + len(missing) - put; err == nil && left > 0 {
		err = fmt.Errorf("%d of %d parts are not shared: they are newer than a minute, or not just what is listed", left, private+len(parts))
	}
	return there, put, err
}

// fetch has a part fetched once there is a place for it.
func (s *Sharing) fetch(ctx context.Context, p clip.SharedPart) error {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.slots }()
	if err := s.uploaded(ctx, waiting); err != nil {
		return err
	}
	return p.Fetch(ctx)
}

// uploaded waits until no more than so many bytes wait to be uploaded. An error says that the bucket fails.
func (s *Sharing) uploaded(ctx context.Context, most int64) error {
	ticker := time.Tick(uploadPoll)
	for {
		now := s.assembly.tier.Stats()
		switch {
		case now.Cause != nil:
			return fmt.Errorf("shared cache: %w", now.Cause)
		case now.Waiting <= most:
			return nil
		}
		select {
		case <-ticker:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
