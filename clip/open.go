package clip

import (
	"context"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/resolve"
	"clipfs/clip/singleflight"
)

// open gives where the clip's bytes come from. One part is a payload, unless no call brings it.
func (c *Clip) open(ctx context.Context) (file, error) {
	if !c.mayList() {
		return c.openUnlisted(ctx)
	}
	if c.calls != 1 {
		return c.openJoined(ctx, c.makeLayout)
	}
	d, err := c.detail(ctx)
	if err != nil {
		return nil, err
	}
	parts, lost := c.library.served(ctx, c.stream, d)
	if len(parts) != 1 || len(parts[0].Over) > 0 {
		return c.openJoined(ctx, c.makeLayout) // which was found out since, or has to be
	}
	if err := c.refused(d, lost); err != nil {
		return nil, err
	}
	opened, err := c.openPayload(ctx, parts[0].Payload(c.stream, c.library.options.Selector))
	if err == nil {
		c.remarkSurplus(ctx, opened, parts[0])
		c.remarkLost(lost)
		return opened, nil
	}
	if !resolve.Settles(err) {
		return nil, err
	}
	if len(d.parts) == 1 {
		c.failed.Store(&err)
	}
	return c.openJoined(ctx, c.makeLayout)
}

// openUnlisted gives where the bytes of a clip come from whose fragments may not be listed. What one call brings is its
// payload.
func (c *Clip) openUnlisted(ctx context.Context) (file, error) {
	pieces := c.library.minutes.Pieces(c.footage())
	if len(pieces) > 1 {
		return c.openJoined(ctx, c.layOutMinutes)
	}
	parts, err := c.library.minutes.Resolve(ctx, c.stream, pieces, 0, func() {})
	switch {
	case err != nil:
		return nil, err
	case len(parts) == 0:
		return nil, c.noFootage()
	case len(parts) == 1 && parts[0].Payload.Key == c.key:
		return c.openPayload(ctx, parts[0].Payload)
	}
	return c.openJoined(ctx, c.layOutMinutes)
}

// openPayload opens a clip that is what one call brings. Its size is that of this version from then on.
func (c *Clip) openPayload(ctx context.Context, p download.Payload) (*download.Reader, error) {
	payload, err := c.library.downloads.Hold(ctx, p, download.Want{
		Priority: archive.ForReader, By: c.reader(ctx), Current: c.current, Identity: download.Identity{Size: c.exact.Load()},
	})
	if err != nil {
		return nil, err
	}
	size, err := payload.Open(ctx)
	if err == nil && c.settle(size) != size {
		err = archive.ErrChanged
	}
	if err != nil {
		payload.Close()
		return nil, err
	}
	return payload, nil
}

// openJoined opens a clip of many parts, which layOut joins.
func (c *Clip) openJoined(ctx context.Context, layOut singleflight.Func[*layout]) (file, error) {
	made := c.made()
	if made == nil || !made.keeps(c.library.identities) {
		var err error
		made, err = c.library.layouts.Do(ctx, cache.Key(c.Key()), layOut)
		if err != nil {
			return nil, err
		}
		if made.only != nil {
			return c.openPayload(ctx, *made.only)
		}
		now := download.Identity{Size: made.size, Digest: made.digest}
		if err := c.library.identities.Check(made.key, now); err != nil {
			return nil, err
		}
		if made.key != c.key && c.calls > 1 { // else the key is that of a payload
			if err := c.library.identities.Agrees(c.key, now); err != nil {
				return nil, err
			}
		}
		c.library.made.Add(c.Key(), made)
		c.library.made.Add(versionKey(made.key, c.library.identities.Current(made.key)), made)
	}
	c.layout.Store(made)
	if c.settle(made.size) != made.size {
		return nil, archive.ErrChanged
	}
	if err := c.current(); err != nil {
		return nil, err
	}
	file := newJoinedFile(c, made, download.ByOf(ctx))
	if _, err := file.head.Open(ctx); err != nil {
		file.Close()
		return nil, err
	}
	file.ahead.Opened()
	return file, nil
}
