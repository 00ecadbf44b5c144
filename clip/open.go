package clip

import (
	"context"
	"fmt"

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
	if stored := c.stored(ctx); stored != nil {
		return c.openHeld(ctx, stored)
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

// openPayload opens a clip that is what one call brings.
func (c *Clip) openPayload(ctx context.Context, p download.Payload) (*download.Reader, error) {
	payload, err := c.library.downloads.Hold(ctx, p, c.wants(ctx))
	if err != nil {
		return nil, err
	}
	return c.openHeld(ctx, payload)
}

// wants says for whom a payload is held that is the clip.
func (c *Clip) wants(ctx context.Context) download.Want {
	return download.Want{Priority: archive.ForReader, By: c.reader(ctx), Current: c.current, Identity: download.Identity{Size: c.exact.Load()}}
}

// stored takes up the payload that the clip is, if it is on disk and an earlier open has noted that it is just what was listed: then nothing has to be
// listed again, cut or compared. Nil where that is not so.
func (c *Clip) stored(ctx context.Context) *download.Reader {
	f := c.looked
	if f == nil || !f.lone || f.key != f.planned || c.failed.Load() != nil || !c.library.allBrought(f) {
		return nil
	}
	about := cache.About{Stream: string(c.stream.Name), Kind: download.MediaKind, Start: c.first, End: c.span.End, Fragments: c.fragments}
	return c.library.downloads.HoldAsListed(ctx, c.key, about, c.wants(ctx), func(ctx context.Context) (download.Payload, error) {
		d, err := c.detail(ctx)
		if err != nil {
			return download.Payload{}, err
		}
		parts, _ := c.library.served(ctx, c.stream, d)
		if len(parts) != 1 || len(parts[0].Over) > 0 {
			return download.Payload{}, fmt.Errorf("%s %s is not of one part any more: %w", c.stream.Name, c.span, archive.ErrChanged)
		}
		return parts[0].Payload(c.stream, c.library.options.Selector), nil
	})
}

// openHeld opens a clip that is a payload which is held. Its size is that of this version from then on.
func (c *Clip) openHeld(ctx context.Context, payload *download.Reader) (*download.Reader, error) {
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
