package payload

import (
	"context"
	"errors"

	"clipfs/clip/emulator/footage"
)

// Plan plans the payload of fragments, which stand in the order of their timestamps. Errors are ErrNoFragments,
// ErrUnsupportedMedia, ErrNoCodecPrivateData and ErrCodecChange.
func Plan(frags []footage.Fragment, o Options) (*Payload, error) {
	if len(frags) == 0 {
		return nil, footage.ErrNoFragments
	}
	if err := footage.Check(frags); err != nil {
		return nil, err
	}
	p := &Payload{opts: o, frags: frags, line: newTimeline(frags, o)}
	if o.Muxer != MuxerBuiltin {
		return p, nil
	}
	var err error
	if p.writer, err = p.line.plan(o); err != nil {
		return nil, err
	}
	p.size = p.writer.Size()
	return p, nil
}

// Render does what takes time: it runs ffmpeg where that is the muxer, until ctx ends, and makes odd forms. It comes before
// Size and WriteTo and is called once.
func (p *Payload) Render(ctx context.Context) error {
	if p.opts.Muxer == MuxerBuiltin {
		return errors.Join(ctx.Err(), p.reshape())
	}
	if err := p.runFFmpeg(ctx); err != nil {
		return errors.Join(err, p.Close())
	}
	if err := p.reshape(); err != nil {
		return errors.Join(err, p.Close())
	}
	return nil
}
