// Package clock is the service's clock. It goes as the machine's does and can be set, so that what only time brings (the end of a
// retention, of a session, of a stream's creation) need not be waited for. Connections, rates and signatures keep to the
// machine's clock, as their clients do.
package clock

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Clock is safe for concurrent use. The zero value is the machine's clock.
type Clock struct {
	// ahead is how far it is before the machine's clock, in nanoseconds.
	ahead atomic.Int64
}

// ErrRange says that a time is one that the service cannot have.
var ErrRange = errors.New("clock: want a time from 1970 to 9999, within 290 years of now")

// Now is the service's time.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Ahead()) }

// Ahead is how far it is before the machine's clock.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

// Set sets it to a time, from which it goes on. The error is ErrRange.
func (c *Clock) Set(at time.Time) error {
	ahead := time.Until(at) // which saturates
	if at.Unix() < 0 || at.UTC().Year() > 9999 || !time.Now().Add(ahead).Before(at.Add(time.Hour)) || !time.Now().Add(ahead).After(at.Add(-time.Hour)) {
		return fmt.Errorf("%w: %s", ErrRange, at.UTC().Format(time.RFC3339))
	}
	c.ahead.Store(int64(ahead))
	return nil
}

// Advance sets it forward, or back by less than nothing. The error is ErrRange.
func (c *Clock) Advance(by time.Duration) error { return c.Set(c.Now().Add(by)) }

// Reset sets it to the machine's.
func (c *Clock) Reset() { c.ahead.Store(0) }
