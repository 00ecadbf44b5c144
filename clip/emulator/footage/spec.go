package footage

import (
	"context"
	"errors"
	"time"
)

// Spec is what one flag --stream says.
type Spec struct {
	// Name of the stream.
	Name string
	// File is the media file, or empty for the test card.
	File string
	// Start is the time of the first frame; zero where none was given.
	Start time.Time
	// Loop repeats the file, NoStamp leaves out the stamp in what is repeated.
	Loop, NoStamp bool
}

// ErrSpec: the flag --stream cannot be understood.
var ErrSpec = errors.New("stream: want NAME=FILE[@START][,loop][,nostamp] or NAME=testcard[,nostamp]")

// ParseSpec reads NAME=FILE[@START][,loop][,nostamp] or NAME=testcard[,nostamp].
func ParseSpec(s string) (Spec, error) { return Spec{}, errors.ErrUnsupported }

// Open reads the footage. now is when a recording without a start ends.
func (s Spec) Open(ctx context.Context, now time.Time) (Source, error) {
	return nil, errors.ErrUnsupported
}
