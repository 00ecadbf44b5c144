package putmedia

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Faults are what goes wrong with a session on purpose. The zero value is nothing.
type Faults struct {
	// At is how many bytes of the body are read before Break is called; nil is not. An error of Break ends the session.
	At    int64
	Break func(context.Context) error
	// Failure is the ErrorId of an ERROR that ends the session within its first fragment; 0 is none.
	Failure int
	// Withhold leaves PERSISTED out, or has it come later by Late if that is not 0.
	Withhold bool
	Late     time.Duration
	// Idle tells of each fragment as if nothing had come.
	Idle bool
}

// ErrBroken means that the connection was broken off on purpose: nobody is left to be told.
var ErrBroken = errors.New("connection broken off by a fault")

// orderedError is an ERROR that was ordered.
type orderedError struct{ id int }

func (e *orderedError) Error() string { return fmt.Sprintf("ERROR %d by a fault", e.id) }

// Ordered is the error that ends a session with an ERROR of that ErrorId.
func Ordered(id int) error { return &orderedError{id} }

// persisted tells that a fragment was persisted, as the faults have it. What is late is told while other media comes.
func (p *Session) persisted(ctx context.Context) {
	told := p.current.event(persisted)
	switch {
	case !p.Faults.Withhold:
		told.waits = !p.Strict
		p.acks.send(told)
	case p.Faults.Late > 0:
		p.late.Go(func() {
			select {
			case <-time.After(p.Faults.Late):
				p.acks.send(told)
			case <-ctx.Done():
			}
		})
	}
}
