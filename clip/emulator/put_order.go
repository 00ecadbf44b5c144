package emulator

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"clipfs/clip/emulator/footage"
)

// putOrder is what the headers of a PutMedia request say.
type putOrder struct {
	stream stream
	// relative says that timecodes count from start instead of 1970.
	relative    bool
	start       time.Time
	acknowledge bool
	// release gives the stream's connection free; it may be called again.
	release func()
}

// openPut checks the headers of a request and takes the stream's connection.
//
// The signature is over the headers; as the hash of the body both UNSIGNED-PAYLOAD and that of no body are taken: those
// are what producers sign.
func (s *Server) openPut(ctx context.Context, c *call) (putOrder, error) {
	ref := streamRef{StreamName: StreamName(c.r.Header.Get("x-amzn-stream-name")), StreamARN: c.r.Header.Get("x-amzn-stream-arn")}
	if err := s.faultPut(ctx, c, ref); err != nil {
		return putOrder{}, err
	}
	if err := s.credentials.authorize(c.r, nil, c.now); err != nil {
		return putOrder{}, err
	}
	var order putOrder
	if err := order.read(c.r.Header); err != nil {
		return putOrder{}, err
	}
	if ref.StreamName != "" && ref.StreamARN != "" {
		return putOrder{}, invalid("Either StreamName or StreamARN should be specified, but not both.")
	}
	st, err := s.find(c, ref)
	if err != nil {
		return putOrder{}, err
	}
	if err := st.quota.call(PutMedia, c.now); err != nil {
		return putOrder{}, err
	}
	order.stream = st
	order.release, err = st.quota.connect()
	return order, err
}

// read reads the headers but for those that name the stream.
func (o *putOrder) read(h http.Header) error {
	switch kind := h.Get("x-amzn-fragment-timecode-type"); kind {
	case "ABSOLUTE":
	case "RELATIVE":
		o.relative = true
	default:
		return invalid("x-amzn-fragment-timecode-type '%.100s': want ABSOLUTE or RELATIVE.", kind)
	}
	if err := o.readStart(h.Get("x-amzn-producer-start-timestamp")); err != nil {
		return err
	}
	switch ack := h.Get("x-amzn-fragment-acknowledgment-required"); strings.ToLower(ack) {
	case "", "1", "true":
		o.acknowledge = true
	case "0", "false":
	default:
		return invalid("x-amzn-fragment-acknowledgment-required '%.100s': want 1 or 0.", ack)
	}
	return nil
}

// readStart reads the producer's start: seconds since 1970, as a decimal number. The producer SDK in C writes
// milliseconds without their leading zeros, so that .005 comes as .5; nothing tells that from a half second, and it is
// read as one, as any reader of the header has to.
func (o *putOrder) readStart(s string) error {
	if s == "" && !o.relative {
		return nil
	}
	sec, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != 'E' && r != 'e' }) ||
		sec > maxEpochSeconds {
		return invalid("x-amzn-producer-start-timestamp '%.100s': want seconds since 1970.", s)
	}
	o.start = time.UnixMilli(int64(math.Round(sec * 1000))).UTC()
	return nil
}

// producerTime gives the producer time of a fragment with a timecode (API reference, PutMedia).
func (o *putOrder) producerTime(timecode time.Duration) (time.Time, error) {
	at := time.Unix(0, 0).UTC()
	if o.relative {
		at = o.start
	}
	at = at.Add(timecode)
	if at.Unix() > maxEpochSeconds {
		return time.Time{}, footage.ErrTimecode
	}
	return at, nil
}
