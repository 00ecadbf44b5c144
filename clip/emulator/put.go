package emulator

import (
	"context"
	"errors"
	"net/http"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/store"
)

const (
	// maxPut is how long a PutMedia connection may last, in the service as long as a streaming token.
	maxPut = 45 * time.Minute
	// putIdle is how long nothing may arrive before the connection is ended, idleEvery how often its producer is told
	// (API reference, PutMedia, Response Elements; the period is not told there).
	putIdle   = 30 * time.Second
	idleEvery = 5 * time.Second
	// putLinger is how long a producer whose media was refused may take to stop sending.
	putLinger = time.Second
)

// withPutMedia adds PutMedia to the operations of the data listener. It is none of them: its body is not read before its
// answer begins.
func (s *Server) withPutMedia(others http.Handler, p pace) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == PutMedia.path() {
			s.putMedia(p, w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// putMedia takes media in for as long as it comes, and tells meanwhile what became of it.
func (s *Server) putMedia(p pace, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := s.untilStopped(r.Context())
	defer cancel()
	c := &call{r: r, now: time.Now()}
	control := http.NewResponseController(w)
	// HTTP/1.0 cannot answer while it listens; its producers get all answers at the end.
	_ = control.EnableFullDuplex()
	in := newIntake(ctx, r.Body, control, c.now)
	defer in.linger(putLinger)

	order, err := s.openPut(ctx, c)
	if err == nil {
		defer order.release()
	}
	s.count(PutMedia, c, err)
	s.log.Debug("call", "api", PutMedia, "stream", c.stream, "err", err)
	w.Header().Set("x-amzn-RequestId", requestID())
	if p.wait(ctx) != nil {
		panic(http.ErrAbortHandler)
	}
	counted := &countingWriter{ResponseWriter: w, add: func(n int) {
		s.calls.add(CallCount{API: PutMedia, Stream: c.stream, Bytes: int64(n)})
	}}
	if err != nil {
		w.Header().Set("Connection", "close")
		if err := s.refusal(PutMedia, p, err).write(ctx, counted); err == nil {
			_ = control.Flush() // The client has gone away; nobody is left to be told.
		}
		return
	}
	in.limit(ctx, order.stream.quota.ingest)
	acks := newAckWriter(p.writer(ctx, counted), in, order.acknowledge)
	acks.start(cancel, r.Header.Get("Expect") != "")
	session := &putSession{server: s, order: order, clusters: footage.NewClusters(in), acks: acks}
	err = session.run(ctx)
	// Before the last answer, so that who has that can come again.
	order.release()
	acks.stop(session.failure(err))
	s.log.Debug("media ended", "stream", c.stream, "fragments", session.fragments, "err", err)
}

// untilStopped gives a context that ends with the server and not with the request: net/http ends that one when reading
// fails, and then there still is something to tell.
func (s *Server) untilStopped(request context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(request))
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// putSession is one connection that brings media.
type putSession struct {
	server   *Server
	order    putOrder
	clusters *footage.Clusters
	acks     *ackWriter

	// fragments that were persisted so far, and the one that is arriving.
	fragments int
	current   ack
}

// errStreamDeleted means that the stream is no longer there.
var errStreamDeleted = errors.New("stream was deleted")

// run takes in fragment after fragment until the media ends or cannot be used.
func (p *putSession) run(ctx context.Context) error {
	for {
		timecode, err := p.clusters.Next()
		if err != nil {
			if errors.Is(err, footage.ErrOutOfOrder) {
				p.current = ack{FragmentTimecode: milliseconds(timecode)}
			}
			return err
		}
		if err := p.order.stream.quota.fragment(ctx); err != nil {
			return err
		}
		if err := p.take(timecode); err != nil {
			return err
		}
	}
}

// take takes in one fragment, of which the timecode is there.
func (p *putSession) take(timecode time.Duration) error {
	st := p.order.stream
	p.current = ack{FragmentTimecode: milliseconds(timecode)}
	number, server, err := st.pushed.Reserve(time.Now())
	if err != nil {
		return errStreamDeleted
	}
	p.current.FragmentNumber = number
	producer, err := p.order.producerTime(timecode)
	if err != nil {
		return err
	}
	p.acks.send(p.current.event(buffering))
	pushed, err := p.clusters.Read()
	if err != nil {
		return err
	}
	p.acks.send(p.current.event(received))
	// The retention can be changed, and the stream deleted, while media arrives.
	now, err := p.server.streams.current(st)
	if err != nil {
		return errStreamDeleted
	}
	if now.retention == 0 {
		return nil
	}
	switch err := st.pushed.Add(number, producer, server, pushed); {
	case errors.Is(err, store.ErrRemoved):
		return errStreamDeleted
	case err != nil:
		return &archivalError{err}
	}
	p.fragments++
	p.server.calls.add(CallCount{API: PutMedia, Stream: st.name, Fragments: 1})
	p.acks.send(p.current.event(persisted))
	p.current = ack{}
	return nil
}

// milliseconds gives a timecode as it stands in an acknowledgement.
func milliseconds(d time.Duration) *int64 {
	ms := d.Milliseconds()
	return &ms
}
