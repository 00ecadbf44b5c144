package download_test

import (
	"errors"
	"io"
	"testing"

	"clipfs/clip/archive"
	"clipfs/clip/download"
)

// zeros is a body without an end.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestBodyWithoutEnd: a body that goes on is failed where no payload of the service goes on, and not a byte before.
func TestBodyWithoutEnd(t *testing.T) {
	n, err := io.Copy(io.Discard, download.NewBody(zeros{}))
	if n != download.MaxPayload || !errors.Is(err, archive.ErrMedia) {
		t.Errorf("read %d bytes, %v; want %d and ErrMedia", n, err, download.MaxPayload)
	}
	n, err = io.Copy(io.Discard, download.NewBody(io.LimitReader(zeros{}, download.MaxPayload)))
	if n != download.MaxPayload || err != nil {
		t.Errorf("read %d bytes, %v of a body that ends there", n, err)
	}
}
