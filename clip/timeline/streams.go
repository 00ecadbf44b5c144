package timeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
	"clipfs/clip/parallel"
	"clipfs/clip/singleflight"
)

const (
	// maxStreams bounds how many streams are remembered by name.
	maxStreams = 10_000
	// missingTTL is how long the answer is valid that no stream has a name.
	missingTTL = 5 * time.Second
)

// streams is what is known of the archive's streams.
type streams struct {
	service archive.Service
	logger  *slog.Logger
	ttl     time.Duration
	only    []archive.StreamName
	prefix  string
	lists   *singleflight.Group[struct{}, []archive.Stream]
	singles *singleflight.Group[archive.StreamName, archive.Stream]

	// mu guards the rest.
	mu sync.Mutex
	// all is the last listing.
	all        []archive.Stream
	validUntil time.Time
	byName     *simplelru.LRU[archive.StreamName, streamEntry]
	// unlistable says that it was logged that streams may not be listed.
	unlistable bool
}

// streamEntry is the answer to one name: a stream, or that there is none.
type streamEntry struct {
	stream     archive.Stream
	err        error
	validUntil time.Time
}

func newStreams(service archive.Service, o Options) *streams {
	s := &streams{
		service: service, logger: o.Logger, ttl: o.TTL, only: o.Streams, prefix: o.StreamPrefix,
		lists:   singleflight.New[struct{}, []archive.Stream](o.Timeout),
		singles: singleflight.New[archive.StreamName, archive.Stream](o.Timeout),
	}
	var err error
	if s.byName, err = simplelru.NewLRU[archive.StreamName, streamEntry](maxStreams, nil); err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return s
}

// shown reports whether a stream is one of those to show.
func (s *streams) shown(name archive.StreamName) bool {
	if len(s.only) > 0 && !slices.Contains(s.only, name) {
		return false
	}
	return strings.HasPrefix(string(name), s.prefix)
}

// list gives all streams by name.
func (s *streams) list(ctx context.Context) ([]archive.Stream, error) {
	if all, ok := s.listed(); ok {
		return all, nil
	}
	return s.lists.Do(ctx, struct{}{}, func(ctx context.Context, progress func()) ([]archive.Stream, error) {
		if all, ok := s.listed(); ok {
			return all, nil // another call has ended in this moment
		}
		ask := s.askAll
		if len(s.only) > 0 {
			ask = s.askOnly
		}
		all, err := ask(ctx, progress)
		if err != nil {
			return nil, fmt.Errorf("list streams: %w", err)
		}
		slices.SortFunc(all, func(a, b archive.Stream) int { return cmp.Compare(a.Name, b.Name) })
		all = slices.CompactFunc(all, func(a, b archive.Stream) bool { return a.Name == b.Name })
		s.remember(all)
		return all, nil
	})
}

// listed gives the last listing, and whether it is valid.
func (s *streams) listed() ([]archive.Stream, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all, time.Now().Before(s.validUntil)
}

// askAll lists the streams to show. Where streams may not be listed there are none, and the log says so once.
func (s *streams) askAll(ctx context.Context, progress func()) ([]archive.Stream, error) {
	all := []archive.Stream{}
	for stream, err := range s.service.Streams(ctx) {
		if errors.Is(err, archive.ErrNotListable) {
			s.tellUnlistable(err)
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		progress()
		if s.shown(stream.Name) {
			all = append(all, stream)
		}
	}
	return all, nil
}

// askOnly describes the streams to show. One that is missing is not shown.
func (s *streams) askOnly(ctx context.Context, progress func()) ([]archive.Stream, error) {
	found := make([]*archive.Stream, len(s.only))
	err := parallel.Each(ctx, probesAtOnce, len(s.only), func(ctx context.Context, i int) error {
		stream, err := s.describe(ctx, s.only[i])
		if errors.Is(err, archive.ErrNoStream) {
			return nil
		}
		progress()
		found[i] = &stream
		return err
	})
	all := []archive.Stream{}
	for _, stream := range found {
		if stream != nil {
			all = append(all, *stream)
		}
	}
	return all, err
}

// tellUnlistable logs, once, why the root lists nothing.
func (s *streams) tellUnlistable(err error) {
	s.mu.Lock()
	told := s.unlistable
	s.unlistable = true
	s.mu.Unlock()
	if !told {
		s.logger.Warn("streams may not be listed: none are shown, but each can be opened by its name; --stream NAME shows some",
			"error", err)
	}
}

// remember keeps a whole listing, which describes each stream as DescribeStream does (API reference, StreamInfo).
func (s *streams) remember(all []archive.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.validUntil = all, time.Now().Add(s.ttl)
	for _, stream := range all {
		s.byName.Add(stream.Name, streamEntry{stream: stream, validUntil: s.validUntil})
	}
}

// describe gives one stream by name, whether it was listed or not.
func (s *streams) describe(ctx context.Context, name archive.StreamName) (archive.Stream, error) {
	if !name.Valid() || !s.shown(name) {
		return archive.Stream{}, fmt.Errorf("stream %q: %w", name, archive.ErrNoStream)
	}
	if e, ok := s.known(name); ok {
		return e.stream, e.err
	}
	return s.singles.Do(ctx, name, func(ctx context.Context, _ func()) (archive.Stream, error) {
		if e, ok := s.known(name); ok {
			return e.stream, e.err // another call has ended in this moment
		}
		stream, err := s.service.Stream(ctx, name)
		validFor := s.ttl
		if err != nil {
			err = fmt.Errorf("stream %s: %w", name, err)
			validFor = min(missingTTL, s.ttl)
		}
		if err != nil && !errors.Is(err, archive.ErrNoStream) {
			return archive.Stream{}, err // what failed for another reason is asked again
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.byName.Add(name, streamEntry{stream: stream, err: err, validUntil: time.Now().Add(validFor)})
		return stream, err
	})
}

// known gives the answer to a name, and whether it is valid.
func (s *streams) known(name archive.StreamName) (streamEntry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byName.Get(name)
	return e, ok && time.Now().Before(e.validUntil)
}
