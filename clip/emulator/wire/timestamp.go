package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Timestamp is a time on the wire: seconds since 1970 as a number with a fraction of milliseconds, which is what SDKs
// send and read; ISO 8601 in a string is read too.
type Timestamp struct{ time.Time }

// MaxEpochSeconds is the last second that a time on the wire can have, in the year 9999.
const MaxEpochSeconds = 253402300799

// UnmarshalJSON implements json.Unmarshaler. Times are rounded to the millisecond.
func (t *Timestamp) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		return t.parseISO(s)
	}
	sec, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsNaN(sec) || math.Abs(sec) > MaxEpochSeconds {
		return fmt.Errorf("timestamp %s: want seconds since 1970", b)
	}
	t.Time = time.UnixMilli(int64(math.Round(sec * 1000))).UTC()
	return nil
}

// parseISO reads ISO 8601; without a zone it is UTC.
func (t *Timestamp) parseISO(s string) error {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if v, err := time.Parse(layout, s); err == nil {
			t.Time = v.UTC().Round(time.Millisecond)
			return nil
		}
	}
	return fmt.Errorf("timestamp %q: want ISO 8601", s)
}

// MarshalJSON fails for times before 1970.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	ms := t.UnixMilli()
	if ms < 0 {
		return nil, fmt.Errorf("timestamp %s: before 1970", t.Time)
	}
	return fmt.Appendf(nil, "%d.%03d", ms/1000, ms%1000), nil
}
