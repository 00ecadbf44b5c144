package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
)

const (
	// maxClipFragments and maxClipBytes are where a clip is cut, without a word (API reference, GetClip).
	maxClipFragments = 200
	maxClipBytes     = 100_000_000
	// maxClipSpan is how far apart the ends of a clip may be (API reference, ClipTimestampRange).
	maxClipSpan = 24 * time.Hour
)

// getClip gives the media of the fragments that start in a range of time as an MP4.
func (s *Server) getClip(ctx context.Context, c *call) (answer, error) {
	var in struct {
		streamRef
		ClipFragmentSelector *selectorInput
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.ClipFragmentSelector == nil {
		return nil, invalid("ClipFragmentSelector is required.")
	}
	sel, err := in.ClipFragmentSelector.read()
	if err != nil {
		return nil, err
	}
	st, err := s.find(c, in.streamRef)
	if err != nil {
		return nil, err
	}
	if st.retention == 0 {
		return nil, refuse(errNoRetention, "The stream data retention in hours is equal to zero.")
	}
	if err := sel.checkClip(st, c.now); err != nil {
		return nil, err
	}
	fragments := cutClip(servable(st, visible(st, sel, c.now), s.options.Overlaps, c.now))
	if len(fragments) == 0 {
		return nil, noFragments()
	}
	if err := st.quota.points(c.now, len(fragments), len(fragments)); err != nil {
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
	return refuse(errNotFound, "No fragments found in the stream for the clip request.")
}

// checkClip refuses a range that a clip cannot have.
func (sel selection) checkClip(st stream, now time.Time) error {
	switch {
	case !sel.end.After(sel.start):
		return invalid("EndTimestamp must be later than StartTimestamp.")
	case sel.end.Sub(sel.start) > maxClipSpan:
		return invalid("EndTimestamp must be within 24 hours of StartTimestamp.")
	case sel.by == footage.ByServer && sel.end.After(now):
		return invalid("EndTimestamp must be in the past.")
	}
	return sel.checkRetention(st, now)
}

// oldestOnly drops all but the first ingested of fragments with one producer timestamp (API reference,
// ClipFragmentSelector). Their order stays.
func oldestOnly(fragments []footage.Fragment) []footage.Fragment {
	oldest := make(map[int64]string, len(fragments))
	for _, f := range fragments {
		ms := f.Producer.UnixMilli()
		if n, ok := oldest[ms]; !ok || f.Number < n {
			oldest[ms] = f.Number
		}
	}
	return slices.DeleteFunc(fragments, func(f footage.Fragment) bool {
		return oldest[f.Producer.UnixMilli()] != f.Number
	})
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

// clipClock gives times to clips. An MP4 has whole seconds, and no two clips may be equal even if they are made in one:
// whoever mixes the bytes of two should find out here.
type clipClock struct{ last atomic.Int64 }

// next gives now, or the second after the last that was given.
func (c *clipClock) next(now time.Time) time.Time {
	for {
		last := c.last.Load()
		at := max(now.Unix(), last+1)
		if c.last.CompareAndSwap(last, at) {
			return time.Unix(at, 0).UTC()
		}
	}
}

// refuseMedia turns an error about media into what the service says.
func refuseMedia(err error) error {
	switch {
	case errors.Is(err, footage.ErrNoFragments):
		return noFragments()
	case errors.Is(err, footage.ErrCodecChange):
		return refuse(errInvalidCodec, "The codec private data is not consistent between all fragments.")
	case errors.Is(err, footage.ErrNoCodecPrivateData):
		return refuse(errMissingCodec, "No codec private data was found in at least one of tracks of the video stream.")
	case errors.Is(err, footage.ErrInvalidMedia):
		return refuse(errInvalidMedia, "One or more frames in the requested clip could not be parsed based on the specified codec.")
	case errors.Is(err, footage.ErrUnsupportedMedia):
		return refuse(errUnsupportedMedia, "The type of the media could not be determined from the codec IDs of the tracks in the first fragment.")
	}
	return fmt.Errorf("clip: %w", err)
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
	if _, err := a.payload.WriteTo(w); err != nil {
		return fmt.Errorf("clip: %w", err)
	}
	return nil
}

func (a *clipAnswer) size() int64 { return a.payload.Size() }

func (a *clipAnswer) Close() error { return a.payload.Close() }
