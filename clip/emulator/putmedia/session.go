package putmedia

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/store"
	"clipfs/clip/emulator/streams"
)

// Session is one connection that brings media.
type Session struct {
	// Streams tells what has become of Stream, into which the media goes.
	Streams *streams.Table
	Stream  streams.Stream
	Order   Order
	// Now is the service's time.
	Now func() time.Time
	// Log takes errors that are not the producer's.
	Log *slog.Logger
	// Release gives the stream's connection free; it may be called again.
	Release func()
	// Strict has PERSISTED told before the next fragment is told of as BUFFERING, always.
	Strict bool
	// Faults are what goes wrong on purpose.
	Faults Faults
	// Stored is told of each fragment that was persisted.
	Stored func()

	clusters *footage.Clusters
	acks     *ackWriter
	// late is the acknowledgements that are still to come.
	late sync.WaitGroup
	// fragments that were persisted so far, and the one that is arriving.
	fragments int
	current   ack
}

// Run takes media in for as long as it comes, and writes meanwhile what became of it. It gives how many fragments were
// persisted, and why the media ended: io.EOF where its producer ended it. cancel, which is called where the answer cannot be
// written any more, ends ctx.
func (p *Session) Run(ctx context.Context, cancel func(), in *Intake, w http.ResponseWriter) (fragments int, err error) {
	in.limit(ctx, p.Stream.Quota.Ingest)
	if p.Faults.Break != nil {
		in.breakAt(p.Faults.At, func() error { return p.Faults.Break(ctx) })
	}
	p.acks = newAckWriter(w, in, p.Order.acknowledge)
	p.acks.start(cancel, p.Order.expects)
	p.clusters = footage.NewClusters(in)
	err = p.takeAll(ctx)
	p.Release() // Before the last answer, so that the producer that has it can come again.
	p.late.Wait()
	p.acks.stop(p.failure(err))
	return p.fragments, err
}

// takeAll takes in fragment after fragment until the media ends or cannot be used.
func (p *Session) takeAll(ctx context.Context) error {
	for {
		timecode, err := p.clusters.Next()
		if err != nil {
			if errors.Is(err, footage.ErrOutOfOrder) {
				p.refused(timecode)
			}
			return err
		}
		if err := p.Stream.Quota.Fragment(ctx); err != nil {
			return err
		}
		if err := p.take(ctx, timecode); err != nil {
			return err
		}
	}
}

// refused gives a fragment that is refused for its timecode a number, as the error that tells of it has one.
func (p *Session) refused(timecode time.Duration) {
	if number, _, err := p.Stream.Pushed.Reserve(p.Now()); err == nil { // else the stream is gone
		p.current = ack{FragmentTimecode: milliseconds(timecode), FragmentNumber: &number}
	}
}

// take takes in one fragment, of which the timecode is there.
func (p *Session) take(ctx context.Context, timecode time.Duration) error {
	st := p.Stream
	p.current = ack{FragmentTimecode: milliseconds(timecode)}
	number, server, err := st.Pushed.Reserve(p.Now())
	if err != nil {
		return errStreamDeleted
	}
	p.current.FragmentNumber = &number
	producer, err := p.Order.producerTime(timecode)
	if err != nil {
		return err
	}
	p.acks.send(p.current.event(buffering))
	if p.Faults.Failure != 0 {
		return Ordered(p.Faults.Failure)
	}
	if p.Faults.Idle {
		p.acks.send(ack{EventType: idle})
	}
	in, err := st.Pushed.Receive()
	if err != nil {
		return streamError(err)
	}
	defer in.Drop()
	length, err := p.clusters.Read(in)
	if err != nil {
		return err
	}
	p.acks.send(p.current.event(received))
	// The retention can be changed, and the stream deleted, while media arrives.
	now, err := p.Streams.Current(st)
	if err != nil {
		return errStreamDeleted
	}
	if now.Retention == 0 {
		st.Pushed.Pass(number, producer, server, length, in)
		p.current = ack{}
		return nil
	}
	if err := st.Pushed.Add(number, producer, server, length, in); err != nil {
		return streamError(err)
	}
	p.fragments++
	p.Stored()
	p.persisted(ctx)
	p.current = ack{}
	return nil
}

// streamError gives the error that a producer is told of where the store fails.
func streamError(err error) error {
	if errors.Is(err, store.ErrRemoved) {
		return errStreamDeleted
	}
	return err
}

// failure gives the acknowledgement that ends a session, if there is one.
func (p *Session) failure(err error) *ack {
	known, ok := classify(err)
	if !ok {
		return nil
	}
	if known.id >= internalError && !errors.As(err, new(*orderedError)) {
		p.Log.Error("media not taken in", "stream", p.Stream.Name, "err", err)
	}
	a := p.current.event(failed)
	if a.FragmentNumber == nil { // as producers have logged of media in which no fragment was found
		none, number := int64(-1), ""
		a.FragmentTimecode, a.FragmentNumber = &none, &number
	}
	a.ErrorID, a.ErrorCode = known.id, known.code
	return &a
}

// milliseconds gives a timecode as it stands in an acknowledgement.
func milliseconds(d time.Duration) *int64 {
	ms := d.Milliseconds()
	return &ms
}
