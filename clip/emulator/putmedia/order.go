package putmedia

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/wire"
)

// Order is what the headers of a PutMedia request say, but for those that name the stream.
type Order struct {
	// relative says that timecodes count from start instead of 1970.
	relative    bool
	start       time.Time
	acknowledge bool
	// expects says that the producer waits for 100 Continue.
	expects bool
}

// ReadOrder reads the headers.
func ReadOrder(h http.Header) (Order, error) {
	o := Order{expects: h.Get("Expect") != ""}
	switch kind := h.Get("x-amzn-fragment-timecode-type"); kind {
	case "ABSOLUTE":
	case "RELATIVE":
		o.relative = true
	default:
		return o, wire.Invalid("x-amzn-fragment-timecode-type '%.100s': want ABSOLUTE or RELATIVE.", kind)
	}
	if err := o.readStart(h.Get("x-amzn-producer-start-timestamp")); err != nil {
		return o, err
	}
	switch ack := h.Get("x-amzn-fragment-acknowledgment-required"); strings.ToLower(ack) {
	case "", "1", "true":
		o.acknowledge = true
	case "0", "false":
	default:
		return o, wire.Invalid("x-amzn-fragment-acknowledgment-required '%.100s': want 1 or 0.", ack)
	}
	return o, nil
}

// readStart reads the producer's start: seconds since 1970, as a decimal number. The producer SDK in C writes
// milliseconds without their leading zeros, so that .005 comes as .5; nothing tells that from a half second, and it is
// read as one, as any reader of the header has to.
func (o *Order) readStart(s string) error {
	if s == "" && !o.relative {
		return nil
	}
	sec, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != 'E' && r != 'e' }) ||
		sec > wire.MaxEpochSeconds {
		return wire.Invalid("x-amzn-producer-start-timestamp '%.100s': want seconds since 1970.", s)
	}
	o.start = time.UnixMilli(int64(math.Round(sec * 1000))).UTC()
	return nil
}

// producerTime gives the producer time of a fragment with a timecode (API reference, PutMedia).
func (o *Order) producerTime(timecode time.Duration) (time.Time, error) {
	at := time.Unix(0, 0).UTC()
	if o.relative {
		at = o.start
	}
	at = at.Add(timecode)
	if at.Unix() > wire.MaxEpochSeconds {
		return time.Time{}, footage.ErrTimecode
	}
	return at, nil
}
