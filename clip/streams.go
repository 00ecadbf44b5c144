package clip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// maxStreams bounds how many streams are remembered by name.
	maxStreams = 10_000
	// missingTTL is how long a name that matched no stream is remembered.
	missingTTL = 5 * time.Second
)

// streams is what is known of the archive's streams.
type streams struct {
	archive Archive
	ttl     time.Duration
	lists   *flight[struct{}, []Stream]
	looks   *flight[StreamName, Stream]

	// mu guards the rest.
	mu      sync.Mutex
	all     []Stream
	expires time.Time
	byName  *simplelru.LRU[StreamName, streamEntry]
}

// streamEntry is the answer to one name: a stream, or that there is none.
type streamEntry struct {
	stream  Stream
	err     error
	expires time.Time
}

// newStreams gives a table in which answers hold for ttl and calls may go without progress for as long as timeout.
func newStreams(archive Archive, ttl, timeout time.Duration) *streams {
	s := &streams{
		archive: archive, ttl: ttl,
		lists: newFlight[struct{}, []Stream](timeout),
		looks: newFlight[StreamName, Stream](timeout),
	}
	var err error
	if s.byName, err = simplelru.NewLRU[StreamName, streamEntry](maxStreams, nil); err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return s
}

// list gives all streams by name. The slice is shared: it is not to be changed.
func (s *streams) list(ctx context.Context) ([]Stream, error) {
	s.mu.Lock()
	all, fresh := s.all, time.Now().Before(s.expires)
	s.mu.Unlock()
	if fresh {
		return all, nil
	}
	return s.lists.do(ctx, struct{}{}, func(ctx context.Context, progress func()) ([]Stream, error) {
		all := []Stream{}
		for stream, err := range s.archive.Streams(ctx) {
			if err != nil {
				return nil, fmt.Errorf("list streams: %w", err)
			}
			progress()
			all = append(all, stream)
		}
		slices.SortFunc(all, func(a, b Stream) int { return cmp.Compare(a.Name, b.Name) })
		all = slices.CompactFunc(all, func(a, b Stream) bool { return a.Name == b.Name })
		s.remember(all)
		return all, nil
	})
}

// remember keeps a whole listing, which describes each stream as DescribeStream does (API reference, StreamInfo).
func (s *streams) remember(all []Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.expires = all, time.Now().Add(s.ttl)
	for _, stream := range all {
		s.byName.Add(stream.Name, streamEntry{stream: stream, expires: s.expires})
	}
}

// look gives one stream by name, whether it was listed or not.
func (s *streams) look(ctx context.Context, name StreamName) (Stream, error) {
	if !name.Valid() {
		return Stream{}, fmt.Errorf("stream %q: %w", name, ErrNoStream)
	}
	s.mu.Lock()
	e, ok := s.byName.Get(name)
	s.mu.Unlock()
	if ok && time.Now().Before(e.expires) {
		return e.stream, e.err
	}
	return s.looks.do(ctx, name, func(ctx context.Context, _ func()) (Stream, error) {
		stream, err := s.archive.Stream(ctx, name)
		hold := s.ttl
		if err != nil {
			err = fmt.Errorf("stream %s: %w", name, err)
			hold = min(missingTTL, s.ttl)
		}
		if err != nil && !errors.Is(err, ErrNoStream) {
			return Stream{}, err // what failed for another reason is asked again
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.byName.Add(name, streamEntry{stream: stream, err: err, expires: time.Now().Add(hold)})
		return stream, err
	})
}
