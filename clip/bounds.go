package clip

import (
	"fmt"
	"io"

	"clipfs/clip/archive"
)

const (
	// maxPayload is the longest body that is taken in, in bytes. GetClip sends 100 MB at most (API reference, GetClip); a
	// body that goes on is not the service's, and would push all else out of the cache.
	maxPayload = 256 << 20
	// maxPayloadMoov is the longest moov that is taken from a payload, in bytes: 200 fragments of 20 s at 60 pictures a
	// second have one of 12 MB. It is held in memory while it comes, of each download.
	maxPayloadMoov = 64 << 20
)

// errLongPayload says that a body is longer than any that the service sends. It is an ErrMedia.
var errLongPayload = fmt.Errorf("more than %d bytes, which GetClip never sends: %w", maxPayload, archive.ErrMedia)

// boundedReader fails a body that goes on past maxPayload.
type boundedReader struct {
	body io.Reader
	left int64
}

// newBoundedReader gives a reader of a body.
func newBoundedReader(body io.Reader) *boundedReader {
	return &boundedReader{body: body, left: maxPayload}
}

// Read implements io.Reader.
func (r *boundedReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		// A body that ends just here is fine.
		n, err := r.body.Read(make([]byte, 1))
		if n > 0 {
			return 0, errLongPayload
		}
		return 0, err
	}
	n, err := r.body.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}
