package shared

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
	"clipfs/clip/tier"
)

// The values that stand for zero ones in Options.
const (
	DefaultTimeout = 500 * time.Millisecond
	DefaultQueue   = 1 << 30
)

const (
	// stallTimes is how many times Options.Timeout a read of an object's bytes may take that has begun.
	stallTimes = 4
	// maxDamaged is how many names of damaged objects are remembered, to be replaced.
	maxDamaged = 4096
	// drain is how long Close waits for uploads.
	drain = 2 * time.Second
	// maxRecord is the longest record of a head that is read.
	maxRecord = 64<<20 + 4096
)

// Options are the settings of a Tier. The zero value works.
type Options struct {
	// Logger takes what is worth knowing; nil discards it.
	Logger *slog.Logger
	// Prefix is below what objects lie in the bucket.
	Prefix string
	// Key makes and checks objects.
	Key Key
	// Timeout is how long a look may take until an object begins to come; 0 is DefaultTimeout.
	Timeout time.Duration
	// Queue is how many bytes may wait to be uploaded; 0 is DefaultQueue.
	Queue int64
	// Part and Gap are told with each object, for people.
	Part, Gap time.Duration
}

// Tier is a bucket that hosts share. It is safe for concurrent use.
type Tier struct {
	bucket  Bucket
	options Options
	root    string
	// breaker is of all that asks the bucket, writes of uploads alone: a host that may only read, or finds the store full, reads on.
	breaker *breaker
	writes  *breaker
	queue   *queue
	leases  *leases
	stop    context.CancelFunc
	counts  counts

	// mu guards damaged: the names of objects that are to be replaced.
	mu      sync.Mutex
	damaged *simplelru.LRU[string, struct{}]
}

var _ tier.Tier = (*Tier)(nil)

// counts are the numbers of Stats as they are counted.
type counts struct {
	hits, misses, skipped, damaged, failed, bytes             atomic.Int64
	uploaded, uploadedBytes, there, refused, dropped, unloads atomic.Int64
}

// Stats is what a Tier has done since it was opened.
type Stats struct {
	// Hits, Misses and Failed are looks that were answered so; Skipped those that the breaker kept from the bucket; Damaged those
	// whose object was not what it should be.
	Hits, Misses, Failed, Skipped, Damaged int64
	// Bytes is how many bytes of objects came and were right.
	Bytes int64
	// Uploaded are offers that were uploaded, of UploadedBytes; There those that another host had uploaded; Refused those that
	// may not be offered; Dropped those there was no time or space for; UploadFailed those that the bucket did not take.
	Uploaded, UploadedBytes, There, Refused, Dropped, UploadFailed int64
	// Waiting is how many bytes wait to be uploaded.
	Waiting int64
	// Cycles is how often the bucket was left alone; Cause says why it is; nil if it is not. NoUploads says why nothing is uploaded.
	Cycles           int64
	Cause, NoUploads error
}

// Open gives a Tier on a bucket. It asks nothing. Close has to follow.
func Open(bucket Bucket, o Options) *Tier {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Queue <= 0 {
		o.Queue = DefaultQueue
	}
	damaged, err := simplelru.NewLRU[string, struct{}](maxDamaged, nil)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	t := &Tier{bucket: bucket, options: o, root: Root(o.Prefix, o.Key), damaged: damaged}
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	t.breaker = &breaker{
		logger: o.Logger, ctx: ctx, probe: t.Probe,
		opened: "the shared cache does not answer as it should: it is left alone until it does", closed: "the shared cache answers again",
	}
	t.queue = newQueue(ctx, o.Queue, t.upload)
	t.leases = newLeases(ctx, bucket, t.root, o.Timeout, t.breaker.allows, t.breaker.failed)
	t.writes = &breaker{
		logger: o.Logger, ctx: ctx, probe: t.leases.probe,
		opened: "the shared cache takes no uploads: nothing is put there until it does", closed: "the shared cache takes uploads again",
	}
	return t
}

// Close waits a moment for uploads that run, drops those that wait, and ends the probes.
func (t *Tier) Close() {
	t.counts.dropped.Add(t.queue.close(drain))
	if t.breaker.allows() {
		t.leases.close(drain)
	}
	t.stop()
	t.queue.running.Wait()
	t.breaker.probes.Wait()
	t.writes.probes.Wait()
	t.leases.running.Wait()
}

// Stats gives the present numbers.
func (t *Tier) Stats() Stats {
	c := &t.counts
	s := Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Failed: c.failed.Load(), Skipped: c.skipped.Load(), Damaged: c.damaged.Load(), Bytes: c.bytes.Load(),
		Uploaded: c.uploaded.Load(), UploadedBytes: c.uploadedBytes.Load(), There: c.there.Load(), Refused: c.refused.Load(), Dropped: c.dropped.Load(),
		UploadFailed: c.unloads.Load(), Waiting: t.queue.waits(),
	}
	s.Cycles, s.Cause = t.breaker.state()
	_, s.NoUploads = t.writes.state()
	return s
}

// Probe asks the bucket for an object that there never is, as a look does: nil if it says so.
func (t *Tier) Probe(ctx context.Context) error {
	o, err := t.bucket.Get(ctx, t.root+"probe")
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return o.Body.Close()
}

// Head gives the record of the head of a payload; nil where there is none that can be used, and this host is to fetch it.
func (t *Tier) Head(ctx context.Context, id tier.ID) *tier.Head {
	h, body := t.lookFor(ctx, id, Heads, tier.Fetch{Whole: func() bool { return true }})
	if body == nil {
		return nil
	}
	defer body.Close()
	record, err := io.ReadAll(io.LimitReader(body, maxRecord))
	if err != nil || int64(len(record)) != h.Size {
		return nil // which the body has told of
	}
	return &tier.Head{Identity: identityOf(h), Record: record}
}

// Open gives a payload front to back; nil where there is none that can be used, and this host is to fetch it.
func (t *Tier) Open(ctx context.Context, id tier.ID, fetch tier.Fetch) *tier.Payload {
	h, body := t.lookFor(ctx, id, Media, fetch)
	if body == nil {
		return nil
	}
	return &tier.Payload{Identity: identityOf(h), Body: body}
}

// Abandon tells that what a look for had this host fetch is not coming. What was offered is.
func (t *Tier) Abandon(id tier.ID, head bool) {
	if name, ok := nameOf(id, head); ok {
		t.leases.abandon(leaseOf(name, id))
	}
}

// identityOf gives what tells the payload from another one of its key.
func identityOf(h Header) tier.Identity {
	return tier.Identity{Size: h.Payload, Digest: h.Digest, Tables: h.Tables, Understood: true}
}

// nameOf gives the name of a payload or of the record of its head; false where its stream does not tell where that is.
func nameOf(id tier.ID, head bool) (Name, bool) {
	folder, ok := FolderOf(id.Stream)
	name := Name{Stream: folder, Kind: Media, Key: id.Key}
	if head {
		name.Kind = Heads
	}
	return name, ok
}

// lookFor looks for an object. Where it is not there it waits for it while another host fetches it. body is nil where this host is to
// fetch it. Of what is not fetched whole here yet it takes the lease, so that the others do not begin another fetch.
func (t *Tier) lookFor(ctx context.Context, id tier.ID, kind Kind, fetch tier.Fetch) (h Header, body *body) {
	name, ok := nameOf(id, kind == Heads)
	lease := leaseOf(name, id)
	if !ok || t.leases.holds(lease, fetch) {
		return h, nil
	}
	looked, missing := false, true
	look := func() (over bool) {
		looked = true
		h, body, missing = t.look(ctx, name, id.Stream)
		return !missing
	}
	follows := fetch.Whole != nil && fetch.Whole() && !fetch.Waited
	if !follows || !t.leases.elsewhere(lease) {
		look()
	}
	switch {
	case !missing || fetch.Whole == nil:
	case follows:
		if t.leases.follow(ctx, lease, fetch, look); !looked {
			look() // its holder may have left before it told of the upload
		}
	case fetch.Wake != nil:
		t.leases.reserve(lease, fetch)
	}
	switch {
	case body != nil:
		t.counts.hits.Add(1)
		t.leases.end(lease, dropped) // which it may have with that of the head
	case missing:
		t.counts.misses.Add(1)
	}
	return h, body
}

// look begins to read an object. body is nil where it cannot be had, missing says that it is not there.
func (t *Tier) look(ctx context.Context, name Name, stream archive.Stream) (h Header, body *body, missing bool) {
	if !t.breaker.allows() {
		t.counts.skipped.Add(1)
		return h, nil, false
	}
	body = t.watched(ctx, name)
	h, err := body.begin()
	switch {
	case errors.Is(err, ErrNotFound):
		missing = true
	case err != nil:
		body.told(err)
	case gone(h, stream):
		missing = true
	default:
		return h, body, false
	}
	body.Close()
	return h, nil, missing
}

// gone reports whether a stream has let go of the oldest footage of an object.
func gone(h Header, stream archive.Stream) bool {
	return stream.Retention > 0 && time.Now().After(h.Ingested.Add(stream.Retention))
}

// body reads an object and watches over how long that takes.
type body struct {
	*Body
	tier   *Tier
	name   Name
	ctx    context.Context //nolint:containedctx // as that of the request whose body it is
	parent context.Context //nolint:containedctx // the caller's
	cancel context.CancelCauseFunc
	watch  *time.Timer
	object *Object
	said   bool
}

// watched gives one that has not begun.
func (t *Tier) watched(parent context.Context, name Name) *body {
	ctx, cancel := context.WithCancelCause(parent)
	return &body{tier: t, name: name, ctx: ctx, parent: parent, cancel: cancel, watch: time.AfterFunc(t.options.Timeout, func() {
		cancel(fmt.Errorf("%w, %s", errSlow, t.options.Timeout))
	})}
}

// begin asks for the object and reads its header.
func (b *body) begin() (h Header, err error) {
	if b.object, err = b.tier.bucket.Get(b.ctx, b.tier.root+b.name.String()); err == nil {
		h, b.Body, err = b.tier.options.Key.Decode(b.name, b.object.Size, b.object.Body)
	}
	b.watch.Stop()
	return h, b.cause(err)
}

// cause gives why the request was ended, where that is why it failed.
func (b *body) cause(err error) error {
	if cause := context.Cause(b.ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.watch.Reset(stallTimes * b.tier.options.Timeout)
	n, err := b.Body.Read(p)
	b.watch.Stop()
	b.tier.counts.bytes.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.cause(err)
		b.told(err)
	}
	return n, err
}

// told draws the conclusions from an error, once: an object that is wrong is to be replaced, a bucket that fails is left alone.
// That the caller has gone is neither.
func (b *body) told(err error) {
	switch {
	case b.said || b.parent.Err() != nil:
		return
	case errors.Is(err, ErrObject):
		b.tier.counts.damaged.Add(1)
		b.tier.options.Logger.Warn("object in the shared cache cannot be used and will be replaced", "object", b.tier.root+b.name.String(), "cause", err)
		b.tier.mu.Lock()
		b.tier.damaged.Add(b.name.String(), struct{}{})
		b.tier.mu.Unlock()
	default:
		b.tier.counts.failed.Add(1)
		b.tier.breaker.failed(err)
	}
	b.said = true
}

// Close ends the request.
func (b *body) Close() error {
	b.watch.Stop()
	b.cancel(context.Canceled)
	if b.object == nil {
		return nil
	}
	return b.object.Body.Close()
}
