package still

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
)

// want is a picture that is waited for in a context: the newest from earliest up to at.
type want struct {
	ctx          context.Context //nolint:containedctx // it is asked for in a context of its own, which takes values from this one
	at, earliest time.Time

	// done is closed when the answer is there.
	done chan struct{}
	got  got
	err  error
}

// got is the answer to a want.
type got struct {
	jpeg []byte
	// calls is how many calls were made for it; those that are shared count for one of the wants.
	calls int
}

// answer wakes whoever waits.
func (w *want) answer(jpeg []byte, err error) {
	w.got.jpeg = jpeg
	if err != nil {
		w.err = fmt.Errorf("GetImages: %w", err)
	}
	close(w.done)
}

// pick gives the newest image that will do; else why there is none.
func (w *want) pick(images []archive.Image) ([]byte, error) {
	var newest archive.Image
	why := archive.ErrNoFootage
	for _, image := range images {
		switch {
		case image.At.After(w.at) || image.At.Before(w.earliest):
		case image.Err != nil:
			why = image.Err
		case newest.JPEG == nil || image.At.After(newest.At):
			newest = image
		}
	}
	if newest.JPEG == nil {
		return nil, why
	}
	return newest.JPEG, nil
}
