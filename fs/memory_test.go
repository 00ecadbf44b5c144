package fs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// memory is an archive of one stream, "door", that recorded a fragment of a kilobyte every ten seconds since a given
// time, and gives as media the fragments' numbers. It counts payloads.
type memory struct {
	since    time.Time
	payloads atomic.Int64
}

var _ archive.Service = (*memory)(nil)

const (
	fragmentEvery = 10 * time.Second
	fragmentBytes = 1000
)

// stream is the one there is.
func (m *memory) stream() archive.Stream {
	return archive.Stream{Name: "door", Created: m.since, Retention: 48 * time.Hour}
}

// Streams implements archive.Service.
func (m *memory) Streams(context.Context) iter.Seq2[archive.Stream, error] {
	return func(yield func(archive.Stream, error) bool) { yield(m.stream(), nil) }
}

// Stream implements archive.Service.
func (m *memory) Stream(_ context.Context, name archive.StreamName) (archive.Stream, error) {
	if name != m.stream().Name {
		return archive.Stream{}, archive.ErrNoStream
	}
	return m.stream(), nil
}

// Fragments implements archive.Service.
func (m *memory) Fragments(_ context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	return func(yield func(archive.Fragment, error) bool) {
		for i := range int(time.Since(m.since) / fragmentEvery) {
			at := m.since.Add(time.Duration(i) * fragmentEvery)
			f := archive.Fragment{ID: archive.FragmentID(fmt.Sprintf("%047d", i)), Producer: at, Server: at,
				Length: fragmentEvery, Size: fragmentBytes}
			if q.Span.Contains(at) && !yield(f, nil) {
				return
			}
		}
	}
}

// Payload implements archive.Service: a movie of one picture a fragment.
func (m *memory) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	m.payloads.Add(1)
	config := []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 4, 0x67, 66, 0, 30, 1, 0, 4, 0x68, 0xce, 0x38, 0x80}
	track := mp4.OutputTrack{Handler: mp4.HandlerVideo, Name: "video", Timescale: 1000, Width: 64, Height: 64,
		Entries: [][]byte{mp4.NewAVCEntry(config, 64, 64)}}
	var chunks []mp4.OutputChunk
	for f, err := range m.Fragments(ctx, archive.FragmentQuery{Span: q.Span}) {
		if err != nil {
			return nil, err
		}
		track.Samples = append(track.Samples, mp4.SampleRun{Count: 1, Duration: uint32(fragmentEvery.Milliseconds()), Size: uint32(len(f.ID)), Sync: true})
		chunks = append(chunks, mp4.OutputChunk{Samples: 1, Data: mp4.Slices{[]byte(f.ID)}})
	}
	if len(chunks) == 0 {
		return nil, archive.ErrNoFootage
	}
	w, err := mp4.NewWriter(mp4.Output{Created: m.since, Tracks: []mp4.OutputTrack{track}, Chunks: chunks})
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if _, err := w.WriteTo(&body); err != nil {
		return nil, err
	}
	return &archive.Payload{Length: int64(body.Len()), Body: io.NopCloser(&body)}, nil
}

// library gives the clips of an archive, in a cache of its own.
func library(t *testing.T, service archive.Service) *clip.Library {
	t.Helper()
	c, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return clip.NewLibrary(service, c, clip.Options{})
}

// lookup gives the clip of a span of the stream "door".
func lookup(t *testing.T, l *clip.Library, start time.Time, length time.Duration) *clip.Clip {
	t.Helper()
	c, err := l.Clip(t.Context(), "door", archive.NewSpan(start, length))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
