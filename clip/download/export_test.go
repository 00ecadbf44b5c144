package download

import (
	"context"
	"io"
	"log/slog"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/meter"
)

// MaxPayload is the longest body that is taken in.
const MaxPayload = maxPayload

// NewBody gives a body without other limits than that on its length.
func NewBody(from io.Reader) io.Reader {
	return (&body{
		from: from, meter: meter.New("", meter.Limit{}, slog.New(slog.DiscardHandler)), silent: new(time.Duration), cancel: func(error) {},
		count: func(int) {}, pay: func(int) error { return nil }, after: func() time.Duration { return time.Minute },
	}).start()
}

// Expected gives how much space is reserved for a payload of fragments of so many bytes before its head has come.
func Expected(bytes int64) int64 { return (&Downloader{}).request(Payload{Bytes: bytes}, By{}).Expect }

// HeadRecord encodes a head.
func HeadRecord(h Head) []byte { return h.encode() }

// DecodeHead reads what HeadRecord gave, and encodes it again.
func DecodeHead(b []byte) ([]byte, error) {
	h, err := decodeHead(b)
	if err != nil {
		return nil, err
	}
	return h.encode(), nil
}

// Scheduler is the bound on downloads.
type Scheduler struct{ *scheduler }

// NewScheduler gives one.
func NewScheduler(most int, giveUp func(cache.Key) bool) Scheduler {
	return Scheduler{newScheduler(most, giveUp)}
}

// Download is one download.
type Download struct{ *download }

// Enter gives a download of a payload.
func (s Scheduler) Enter(key cache.Key, stream archive.StreamName, opening uint64, start time.Time) Download {
	d := &download{key: key, stream: stream, opening: opening, start: start}
	s.enter(d)
	return Download{d}
}

// HeadCame says that the head has come.
func (d Download) HeadCame() { d.headCame.Store(true) }

// Want adds holders, or takes them away.
func (s Scheduler) Want(key cache.Key, p archive.Priority, n int) { s.want(key, p, n) }

// Take waits for a place.
func (s Scheduler) Take(ctx context.Context, d Download) error { return s.take(ctx, d.download) }

// Proceed waits for as long as nobody wants more.
func (s Scheduler) Proceed(ctx context.Context, d Download) error {
	_, err := s.proceed(ctx, d.download)
	return err
}

// Leave gives a place back.
func (s Scheduler) Leave(d Download) { s.leave(d.download) }

// Exit ends a download.
func (s Scheduler) Exit(d Download) { s.exit(d.download) }

// Demands tells of how many payloads the demand is known.
func (s Scheduler) Demands() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.demands)
}

// Refused is told of a refusal.
func (s Scheduler) Refused(stream archive.StreamName) { s.refused(stream) }

// Copy has a download hand on the bytes of r to w, as those of a payload whose size is known.
func Copy(ctx context.Context, s Scheduler, d Download, w *cache.Writer, r io.Reader, size int64) error {
	owner := &Downloader{scheduler: s.scheduler}
	owner.buffers.New = func() any { return new([copyBuffer]byte) }
	in := &intake{
		fetch:    &fetch{Downloader: owner, place: d.download, out: &output{writer: w}},
		mdatSeen: true, judged: true, announced: true, size: size,
	}
	return in.copy(ctx, r)
}

// WholeEntry takes a payload up for an offer.
func WholeEntry(store Store, p Payload, size int64) (*cache.Entry, error) {
	return (&Downloader{store: store}).wholeEntry(p, size)
}
