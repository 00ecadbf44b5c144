package clip

import (
	"context"
	"io"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// Plan gives how many fragments each part has that a clip is cut into, and which of them come after a gap.
func Plan(fragments []archive.Fragment, length, grid, gap, leftOut time.Duration) (parts [][]archive.Fragment, gaps []bool) {
	for _, p := range (planner{rule: archive.GapRule{Min: gap, LeftOut: leftOut}, grid: grid}).plan(fragments, length) {
		parts, gaps = append(parts, p.fragments), append(gaps, p.gapBefore)
	}
	return parts, gaps
}

// Slots is the bound on downloads.
type Slots struct{ *slots }

// NewSlots gives slots.
func NewSlots(most int, giveUp func(cache.Key) bool) Slots { return Slots{newSlots(most, giveUp)} }

// Slot is one download.
type Slot struct{ *slot }

// NewSlot gives one, of a demand; all of it is wanted unless wanted says otherwise, and somebody has to do with it
// unless left does.
func NewSlot(key cache.Key, opening uint64, start time.Time, demand *archive.Demand, wanted, left func() bool) Slot {
	return Slot{&slot{key: key, opening: opening, start: start, demand: demand, wanted: wanted, left: left}}
}

// Of has the download be one of a stream.
func (d Slot) Of(stream archive.StreamName) Slot {
	d.stream = stream
	return d
}

// HeadCame says that the head has come.
func (d Slot) HeadCame() { d.headCame.Store(true) }

// Take waits for a place.
func (s Slots) Take(ctx context.Context, d Slot) error { return s.take(ctx, d.slot) }

// GoOn waits for as long as nobody wants more.
func (s Slots) GoOn(ctx context.Context, d Slot) error { return s.goOn(ctx, d.slot) }

// Leave gives a place back.
func (s Slots) Leave(d Slot) { s.leave(d.slot) }

// Look serves those who can be served.
func (s Slots) Look() { s.look() }

// Refused is told of a refusal.
func (s Slots) Refused(stream archive.StreamName) { s.refused(stream) }

// HeadRecord encodes a head.
func HeadRecord(size, mediaStart, mediaEnd int64, moovLast bool, split int, moov []byte) []byte {
	return head{size: size, mediaStart: mediaStart, mediaEnd: mediaEnd, moovLast: moovLast, split: split, moov: moov}.encode()
}

// DecodeHead reads what HeadRecord gave, and encodes it again.
func DecodeHead(b []byte) ([]byte, error) {
	h, err := decodeHead(b)
	if err != nil {
		return nil, err
	}
	return h.encode(), nil
}

// NewBoundedReader exports the bound on bodies, MaxPayload and MaxPayloadMoov what is bounded.
func NewBoundedReader(body io.Reader) io.Reader { return newBoundedReader(body) }

// The bounds on payloads.
const (
	MaxPayload     = maxPayload
	MaxPayloadMoov = maxPayloadMoov
)

// PeriodOf gives the bounds of the period that a time is in.
func PeriodOf(p Period, t time.Time) (start, end time.Time) { return p.start(t), p.end(t) }

// Bandwidth is the limit on bytes a second.
type Bandwidth struct{ *bandwidth }

// NewBandwidth gives one.
func NewBandwidth(perSecond int64) Bandwidth { return Bandwidth{newBandwidth(perSecond)} }

// Pay waits for its turn.
func (b Bandwidth) Pay(ctx context.Context, u archive.Priority, n int) error {
	return b.pay(ctx, archive.NewDemand(u), n)
}

// LayoutAt finds where a position of an open clip of many parts lies; false if it has one part.
func LayoutAt(h *Handle, off int64) bool {
	f, ok := h.file.(*joinedFile)
	if ok {
		_, ok = f.layout.at(off)
	}
	return ok
}

// Expected gives how much space is reserved for a payload of fragments of so many bytes before its head has come.
func Expected(bytes int64) int64 {
	return (&fetch{stored: stored{bytes: bytes}}).request(asked{}).Expect
}

// Remark notes a sentence about what is unusual in a clip.
func Remark(c *Clip, sentence string) { c.remark(sentence) }

// SetJoinVersion has a library join as another version of join.Make would.
func SetJoinVersion(l *Library, version int) { l.joinVersion = version }

// ShownPictures gives the position of a file's first frame, and of all its pictures.
func ShownPictures(file []byte) (begin time.Duration, at []time.Duration, err error) {
	for box, err := range mp4.Children(file) {
		if err != nil || box.Type != mp4.TypeMoov {
			continue
		}
		movie, err := mp4.ParseMovie(box.Raw)
		if err != nil {
			return 0, nil, err
		}
		shown, err := picturesOf(movie)
		for _, p := range shown.all {
			at = append(at, p.position())
		}
		return shown.begin, at, err
	}
	return 0, nil, io.ErrUnexpectedEOF
}
