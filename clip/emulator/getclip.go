package emulator

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

const (
	// maxClipFragments and maxClipBytes are where a clip is cut, without a word (API reference, GetClip).
	maxClipFragments = 200
	maxClipBytes     = 100_000_000
)

// clipInput is the input of GetClip.
type clipInput struct {
	wire.StreamRef
	ClipFragmentSelector streams.Selector
}

// getClip gives the media of the fragments that start in a range of time as an MP4.
func (s *Server) getClip(ctx context.Context, c *call, in clipInput) (answer, error) {
	sel := in.ClipFragmentSelector.Read()
	st, err := s.findKept(c, in.StreamRef)
	if err != nil {
		return nil, err
	}
	if err := sel.CheckSpan(c.now); err != nil {
		return nil, err
	}
	if err := sel.CheckRetention(st, c.now); err != nil {
		return nil, err
	}
	fragments := cutClip(streams.Servable(st, st.Visible(sel, c.now), s.options.Overlaps, c.now))
	if len(fragments) == 0 {
		return nil, noFragments()
	}
	if err := st.Quota.Points(c.now, len(fragments), len(fragments)); err != nil {
		return nil, err
	}
	o := s.options.Payload
	o.Created, o.Forms = s.madeAt.next(c.now), s.PayloadForms()
	fragments, o.Next = oddFragments(st, fragments, o.Forms, c.now)
	c.fragments = len(fragments)
	return s.makeClip(ctx, fragments, o)
}

// noFragments is what GetClip answers where there is no footage.
func noFragments() error {
	return wire.Refuse(wire.NotFound, "No fragments found in the stream for the clip request.")
}

// cutClip gives as many of the first fragments as fit into one clip.
func cutClip(fragments []footage.Fragment) []footage.Fragment {
	var size int64
	for i, f := range fragments {
		size += f.Size
		if i == maxClipFragments || (i > 0 && size > maxClipBytes) {
			return fragments[:i]
		}
	}
	return fragments
}

// makeClip makes the MP4. The time of its making is in it, so that no two are equal.
func (s *Server) makeClip(ctx context.Context, fragments []footage.Fragment, o payload.Options) (answer, error) {
	if o.Next != nil {
		next, err := o.Next.Load()
		if err != nil {
			return nil, refuseMedia(err)
		}
		o.Next = &next
	}
	for i, f := range fragments {
		loaded, err := f.Load()
		if err != nil {
			return nil, refuseMedia(err)
		}
		fragments[i] = loaded
	}
	p, err := payload.Plan(fragments, o)
	if err != nil {
		return nil, refuseMedia(err)
	}
	if err := p.Render(ctx); err != nil {
		return nil, errors.Join(refuseMedia(err), p.Close())
	}
	return &clipAnswer{payload: p, chunked: s.options.Chunked}, nil
}

// refuseMedia turns an error about media into what the service says.
func refuseMedia(err error) error {
	switch {
	case errors.Is(err, footage.ErrNoFragments):
		return noFragments()
	case errors.Is(err, footage.ErrCodecChange):
		return wire.Refuse(wire.InvalidCodec, "The codec private data is not consistent between all fragments.")
	case errors.Is(err, footage.ErrNoCodecPrivateData):
		return wire.Refuse(wire.MissingCodec, "No codec private data was found in at least one of tracks of the video stream.")
	case errors.Is(err, footage.ErrInvalidMedia):
		return wire.Refuse(wire.InvalidMedia, "One or more frames in the requested clip could not be parsed based on the specified codec.")
	case errors.Is(err, footage.ErrUnsupportedMedia):
		return wire.Refuse(wire.UnsupportedMedia, "The type of the media could not be determined from the codec IDs of the tracks in the first fragment.")
	}
	return fmt.Errorf("media: %w", err)
}

// clipAnswer is an answer whose body is an MP4.
type clipAnswer struct {
	payload *payload.Payload
	// chunked leaves out Content-Length.
	chunked bool
}

func (a *clipAnswer) write(_ context.Context, w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "video/mp4")
	if !a.chunked {
		w.Header().Set("Content-Length", strconv.FormatInt(a.payload.Size(), 10))
	}
	w.WriteHeader(http.StatusOK)
	if a.chunked {
		// A short body would otherwise be given its length by net/http.
		if err := http.NewResponseController(w).Flush(); err != nil {
			return fmt.Errorf("clip: %w", err)
		}
	}
	out := bufio.NewWriterSize(w, wire.MaxChunk) // the payload is written sample by sample
	_, err := a.payload.WriteTo(out)
	if err = cmp.Or(err, out.Flush()); err != nil {
		return fmt.Errorf("clip: %w", err)
	}
	return nil
}

func (a *clipAnswer) size() int64 { return a.payload.Size() }

func (a *clipAnswer) Close() error { return a.payload.Close() }
