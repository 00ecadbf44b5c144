package producer

import (
	"context"
	"io"
	"time"

	"clipfs/clip/emulator/footage"
)

// PutTestCard sends the test card as it would have been recorded from a time to another: its fragments, of 2 seconds each,
// that start at or after from and before to, on even seconds. Timecodes are as o says; Relative ones need o.Start, not
// after from, and are sent without the stamps that the emulator's own test card has. Errors are those of Put, and footage.ErrNoFragments where there is none in between.
func PutTestCard(ctx context.Context, endpoint, stream string, from, to time.Time, o Options) ([]Ack, error) {
	var zero time.Time
	if o.Timecodes == Relative {
		zero = o.Start
	}
	frags, err := testCard(from, to, zero)
	if err != nil {
		return nil, err
	}
	read, write := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		write.CloseWithError(footage.WriteMatroska(write, frags))
	}()
	acks, err := Put(ctx, endpoint, stream, read, o)
	_ = read.Close() // It never fails.
	<-done
	return acks, err
}

// WriteTestCard writes what PutTestCard sends, with Absolute timecodes.
func WriteTestCard(w io.Writer, from, to time.Time) error {
	frags, err := testCard(from, to, time.Time{})
	if err != nil {
		return err
	}
	return footage.WriteMatroska(w, frags)
}

// testCard gives fragments of the test card whose producer times count from 1970, or as if 1970 were zero.
func testCard(from, to, zero time.Time) ([]footage.Fragment, error) {
	media, err := footage.TestCard()
	if err != nil {
		return nil, err
	}
	var shift time.Duration
	if !zero.IsZero() {
		shift = zero.Truncate(time.Millisecond).Sub(time.Unix(0, 0))
	}
	loop := footage.NewLoop(media, time.Unix(0, 0).Add(-shift), footage.Options{NoStamp: shift != 0})
	frags := loop.Fragments(footage.ByProducer, from.Add(-shift), to.Add(-shift-time.Millisecond))
	if len(frags) == 0 {
		return nil, footage.ErrNoFragments
	}
	return frags, nil
}
