package clip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// memory is an archive in memory, with the rules of the service and faults on demand.
type memory struct {
	retention time.Duration
	created   time.Time
	arn       string
	moovLast  bool
	// lengths tells the length of bodies; otherwise they come without.
	lengths bool
	// answer changes the fragments that a call brings, or gives its error.
	answer func(fragments []archive.Fragment) ([]archive.Fragment, error)
	// keepsHoles says that payloads keep the time between fragments that do not follow each other; else they close it.
	keepsHoles bool
	// syncs says which pictures of a payload are sync samples, counted from 0; nil stands for the first of each fragment.
	syncs func(i int) bool
	// twice says what GetClip does about footage that was ingested over older footage: it drops it where the older is in the same
	// call, as the service says; or hides it from every call; or keeps it.
	twice overlapped
	// rewrite changes each payload; nil leaves it as it is.
	rewrite func(payload []byte) []byte
	// slow is how long each 16 KiB of a body take.
	slow time.Duration
	// body changes the body of a call before it is sent; n counts calls from 1.
	body func(n int, payload []byte) io.Reader
	// unread is how many bytes of each body have come that are not read.
	unread int64
	// refuse gives the error of a GetClip call, or nil.
	refuse func(n int) error
	// hide gives the error of a ListFragments call, or nil.
	hide func() error
	// unlistable is the error of ListStreams calls, or nil.
	unlistable error
	// page is how long a page of a listing takes.
	page time.Duration
	// ordered has listings come in the order of ingestion; as a rule they come in none.
	ordered bool

	mu        sync.Mutex
	fragments map[archive.StreamName][]archive.Fragment
	payloads  int
	lists     int
	probes    int
	describes int
	// sent counts the bytes of bodies that were read, as far as body does not change them; reading how many bodies are read
	// now, and mostReading how many were at most.
	sent                 int64
	reading, mostReading int
}

var _ archive.Service = (*memory)(nil)

// change sets faults while calls may be under way.
func (m *memory) change(set func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	set()
}

// newMemory gives an archive without streams.
func newMemory() *memory {
	return &memory{retention: 40 * 365 * 24 * time.Hour, fragments: make(map[archive.StreamName][]archive.Fragment)}
}

// record adds count fragments of a length to a stream, from start on, as a camera does that sends what it records.
func (m *memory) record(name archive.StreamName, start time.Time, count int, length time.Duration) {
	m.upload(name, start, count, length, start.Add(100*time.Millisecond))
}

// upload adds count fragments of a length that were recorded from start on and arrive from another time on.
func (m *memory) upload(name archive.StreamName, start time.Time, count int, length time.Duration, arrival time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range count {
		at := start.Add(time.Duration(i) * length).UTC()
		m.fragments[name] = append(m.fragments[name], archive.Fragment{
			ID:       archive.FragmentID(fmt.Sprintf("%047d", arrival.UnixMilli()*1000+int64(i))),
			Producer: at, Server: arrival.Add(time.Duration(i) * length).UTC(),
			Length: length - 40*time.Millisecond, Size: 4000,
		})
	}
}

// calls gives how many GetClip calls, pages of listings and limited ListFragments calls there were.
func (m *memory) calls() (payloads, lists, probes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.payloads, m.lists, m.probes
}

// stream describes a stream.
func (m *memory) stream(name archive.StreamName) archive.Stream {
	return archive.Stream{Name: name, ARN: m.arn + "/" + string(name), Created: m.created, Retention: m.retention}
}

// Streams implements archive.Service.
func (m *memory) Streams(context.Context) iter.Seq2[archive.Stream, error] {
	return func(yield func(archive.Stream, error) bool) {
		if m.unlistable != nil {
			yield(archive.Stream{}, m.unlistable)
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		for name := range m.fragments {
			if !yield(m.stream(name), nil) {
				return
			}
		}
	}
}

// Stream implements archive.Service.
func (m *memory) Stream(_ context.Context, name archive.StreamName) (archive.Stream, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.describes++
	if _, ok := m.fragments[name]; !ok {
		return archive.Stream{}, archive.ErrNoStream
	}
	return m.stream(name), nil
}

// selected gives the fragments of a query in order of time.
func (m *memory) selected(name archive.StreamName, by archive.Selector, span archive.Span) []archive.Fragment {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []archive.Fragment
	for _, f := range m.fragments[name] {
		if span.Contains(f.Time(by)) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b archive.Fragment) int { return a.Time(by).Compare(b.Time(by)) })
	return out
}

// Fragments implements archive.Service, in no order.
func (m *memory) Fragments(ctx context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	return func(yield func(archive.Fragment, error) bool) {
		if m.hide != nil {
			if err := m.hide(); err != nil {
				yield(archive.Fragment{}, err)
				return
			}
		}
		found := m.selected(q.Stream, q.Selector, q.Span)
		m.turnPage(q.Limit > 0)
		if !m.ordered {
			rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
		}
		if q.Limit > 0 && len(found) > q.Limit {
			found = found[:q.Limit]
		}
		for i, f := range found {
			if i > 0 && i%1000 == 0 {
				m.turnPage(false)
			}
			if ctx.Err() != nil {
				yield(archive.Fragment{}, context.Cause(ctx))
				return
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

// turnPage counts a page of a listing, or a probe, and takes the time of one.
func (m *memory) turnPage(probe bool) {
	m.mu.Lock()
	if probe {
		m.probes++
	} else {
		m.lists++
	}
	m.mu.Unlock()
	time.Sleep(m.page)
}

// Payload implements archive.Service.
func (m *memory) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	m.mu.Lock()
	m.payloads++
	n := m.payloads
	refuse, answer, change := m.refuse, m.answer, m.body
	m.mu.Unlock()
	if refuse != nil {
		if err := refuse(n); err != nil {
			return nil, err
		}
	}
	fragments := m.selected(q.Stream, q.Selector, q.Span)
	if len(fragments) == 0 {
		return nil, archive.ErrNoFootage
	}
	if fragments = m.oldest(q.Stream, fragments); len(fragments) == 0 {
		return nil, archive.ErrNoFootage
	}
	if answer != nil {
		var err error
		if fragments, err = answer(fragments); err != nil {
			return nil, err
		}
	}
	payload := footage{fragments: fragments, moovLast: m.moovLast, keepsHoles: m.keepsHoles, syncs: m.syncs, created: time.Now()}.movie()
	if m.rewrite != nil {
		payload = m.rewrite(payload)
	}
	length := int64(-1)
	if m.lengths {
		length = int64(len(payload))
	}
	var body io.Reader = &countedReader{m, bytes.NewReader(payload)}
	if change != nil {
		body = change(n, payload)
	}
	return &archive.Payload{
		ContentType: "video/mp4", Length: length, Body: &boundBody{ctx, body}, Unread: func() int64 { return m.unread },
	}, nil
}

// overlapped is what becomes of footage that was ingested over older footage.
type overlapped int

const (
	kept overlapped = iota
	dropped
	hidden
)

// oldest gives what is left of the fragments of a call.
func (m *memory) oldest(name archive.StreamName, fragments []archive.Fragment) []archive.Fragment {
	among := fragments
	switch m.twice {
	case kept:
		return fragments
	case hidden:
		m.mu.Lock()
		among = slices.Clone(m.fragments[name])
		m.mu.Unlock()
	}
	slices.SortFunc(among, func(a, b archive.Fragment) int { return strings.Compare(string(a.ID), string(b.ID)) })
	var old []archive.Fragment
	for _, f := range among {
		if !slices.ContainsFunc(old, func(g archive.Fragment) bool {
			return f.Producer.Before(g.Producer.Add(g.Length-250*time.Millisecond)) && g.Producer.Before(f.Producer.Add(f.Length-250*time.Millisecond))
		}) {
			old = append(old, f)
		}
	}
	left := slices.DeleteFunc(slices.Clone(fragments), func(f archive.Fragment) bool {
		return !slices.ContainsFunc(old, func(g archive.Fragment) bool { return g.ID == f.ID })
	})
	slices.SortFunc(left, func(a, b archive.Fragment) int { return a.Producer.Compare(b.Producer) })
	return left
}

// countedReader counts what is read of a body. It comes in small pieces, as from a network.
type countedReader struct {
	m *memory
	r io.Reader
}

// Read implements io.Reader.
func (c *countedReader) Read(p []byte) (int, error) {
	c.m.mu.Lock()
	c.m.reading++
	c.m.mostReading = max(c.m.mostReading, c.m.reading)
	c.m.mu.Unlock()
	n, err := c.r.Read(p[:min(len(p), 16<<10)])
	if c.m.slow > 0 {
		time.Sleep(c.m.slow)
	}
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.m.reading--
	c.m.sent += int64(n)
	return n, err
}

// read gives how many bytes of bodies were read.
func (m *memory) read() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent
}

// boundBody ends with its context, as the body of a call does.
type boundBody struct {
	ctx context.Context //nolint:containedctx // a body is bound to its call
	io.Reader
}

// Read implements io.Reader.
func (b *boundBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	if s, ok := b.Reader.(interface{ wait(context.Context) error }); ok {
		if err := s.wait(b.ctx); err != nil {
			return 0, err
		}
	}
	return b.Reader.Read(p)
}

// Close implements io.Closer.
func (b *boundBody) Close() error { return nil }

// footage is a payload to be made of fragments.
type footage struct {
	fragments            []archive.Fragment
	moovLast, keepsHoles bool
	syncs                func(i int) bool
	created              time.Time
}

// movie makes a payload of fragments.
func movie(fragments []archive.Fragment, moovLast bool, created time.Time) []byte {
	return footage{fragments: fragments, moovLast: moovLast, created: created}.movie()
}

// movie makes the payload: a key frame and a frame a fragment, whose bytes tell which fragment they are of.
func (f footage) movie() []byte {
	config := []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 4, 0x67, 66, 0, 30, 1, 0, 4, 0x68, 0xce, 0x38, 0x80}
	out := mp4.Output{
		Created: f.created, MoovLast: f.moovLast,
		Tracks: []mp4.OutputTrack{{
			Handler: mp4.HandlerVideo, Name: "video", Timescale: 1000, Width: 64, Height: 64,
			Entries: [][]byte{mp4.NewAVCEntry(config, 64, 64)},
		}},
	}
	sync := func(i int) bool { return f.syncs == nil && i%2 == 0 || f.syncs != nil && f.syncs(i) }
	for i, one := range f.fragments {
		data := make([]byte, one.Size)
		for i := 0; i+8 <= len(data); i += 8 {
			binary.BigEndian.PutUint64(data[i:], uint64(one.Producer.UnixMilli())+uint64(i))
		}
		half := uint32(len(data) / 2)
		lasts := uint32((one.Length + 40*time.Millisecond).Milliseconds() / 2)
		last := lasts
		if f.keepsHoles && i+1 < len(f.fragments) {
			last = uint32(f.fragments[i+1].Producer.Sub(one.Producer).Milliseconds()) - lasts
		}
		out.Tracks[0].Samples = append(out.Tracks[0].Samples,
			mp4.SampleRun{Count: 1, Duration: lasts, Size: half, Sync: sync(2 * i)},
			mp4.SampleRun{Count: 1, Duration: last, Size: half, Sync: sync(2*i + 1)})
		out.Chunks = append(out.Chunks, mp4.OutputChunk{Samples: 2, Data: mp4.Slices{data}})
	}
	w, err := mp4.NewWriter(out)
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// base is when the tests' footage begins: a full hour in the past, for the clock on the wall as for that of a synctest
// bubble, which begins in 2000.
func base() time.Time { return time.Date(1999, 12, 31, 20, 0, 0, 0, time.UTC) }

// library gives a library over an archive with a cache of its own.
func library(t *testing.T, m archive.Service, o clip.Options) (*clip.Library, *cache.Cache) {
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
	return clip.NewLibrary(m, c, o), c
}

// expected is what the file of a clip holds: the payload with the times of its first fragment.
func (m *memory) expected(name archive.StreamName, span archive.Span) []byte {
	fragments := m.selected(name, archive.ByProducer, span)
	return movie(fragments, m.moovLast, fragments[0].Producer)
}

// lookUp gives a clip that has to be there.
func lookUp(t *testing.T, l *clip.Library, name archive.StreamName, span archive.Span) *clip.Clip {
	t.Helper()
	c, err := l.Clip(t.Context(), name, span)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readAll opens a clip, reads all of it, and closes it.
func readAll(t *testing.T, c *clip.Clip) ([]byte, error) {
	t.Helper()
	h, err := c.Open(t.Context())
	if err != nil {
		return nil, err
	}
	defer func() { _ = h.Close() }()
	b := make([]byte, h.Size())
	n, err := h.ReadAt(t.Context(), b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}

// sidecarOf gives the text beside a clip, whose size has to be the one that was given before it was written.
func sidecarOf(t *testing.T, c *clip.Clip) []byte {
	t.Helper()
	s, err := c.Sidecar(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := s.Text()
	if int64(len(text)) != s.Size() {
		t.Errorf("sidecar of %d bytes, and %d were announced", len(text), s.Size())
	}
	return text
}
