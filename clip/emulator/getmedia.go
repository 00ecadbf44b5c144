package emulator

import (
	"context"
	"io"
	"net/http"

	"clipfs/clip/emulator/chunk"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"

	"golang.org/x/time/rate"
)

// mediaInput is the input of GetMedia.
type mediaInput struct {
	wire.StreamRef
	StartSelector chunk.Selector
}

// getMedia gives the media of a stream from a fragment on, and what comes, for as long as the client takes it.
func (s *Server) getMedia(_ context.Context, c *call, in mediaInput) (answer, error) {
	if err := in.StartSelector.Check(); err != nil {
		return nil, err
	}
	st, err := s.find(c, in.StreamRef)
	if err != nil {
		return nil, err
	}
	a, err := s.newMedia(c, st, wire.GetMedia)
	if err != nil {
		return nil, err
	}
	current := func() (streams.Stream, error) {
		st, err := s.streams.Current(st)
		return c.faded(st), err
	}
	reading := chunk.Begin(in.StartSelector, chunk.From{Stream: current, Now: s.clock.Now})
	a.chunks = func(ctx context.Context, w io.Writer, each func() error) error {
		return reading.Stream(ctx, w, a.follow, each)
	}
	return a, nil
}

// listedInput is the input of GetMediaForFragmentList.
type listedInput struct {
	wire.StreamRef
	Fragments []string
}

// getListedMedia gives the media of some fragments, in the order in which they are named.
func (s *Server) getListedMedia(_ context.Context, c *call, in listedInput) (answer, error) {
	st, err := s.find(c, in.StreamRef)
	if err != nil {
		return nil, err
	}
	a, err := s.newMedia(c, st, wire.GetMediaForFragmentList)
	if err != nil {
		return nil, err
	}
	found := st.Numbered(in.Fragments, c.now)
	a.chunks = func(_ context.Context, w io.Writer, each func() error) error {
		return chunk.List(w, in.Fragments, found, each)
	}
	return a, nil
}

// newMedia makes an answer without its chunks, if the stream's quotas have room for it.
func (s *Server) newMedia(c *call, st streams.Stream, api wire.API) (*mediaAnswer, error) {
	if !st.Quota.Take(api, c.now) {
		return nil, wire.Throttled(api, string(st.Name))
	}
	release, err := st.Quota.Get(api)
	if err != nil {
		return nil, err
	}
	count := func() { s.calls.Add(CallCount{API: api, Stream: st.Name, Fragments: 1}) }
	return &mediaAnswer{release: release, bucket: st.Quota.Outgoing(), count: count, follow: true}, nil
}

// mediaAnswer is an answer whose body is chunks.
type mediaAnswer struct {
	chunks  func(ctx context.Context, w io.Writer, each func() error) error
	bucket  *rate.Limiter
	count   func()
	release func()
	// follow says that the answer goes on when all is told that there is.
	follow bool
}

func (a *mediaAnswer) write(ctx context.Context, w http.ResponseWriter) error {
	w.Header().Set("Content-Type", chunk.ContentType)
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w).Flush
	if err := flush(); err != nil {
		return err
	}
	return a.chunks(ctx, wire.LimitedWriter(ctx, w, a.bucket), func() error {
		a.count()
		return flush()
	})
}

func (a *mediaAnswer) Close() error {
	a.release()
	return nil
}
