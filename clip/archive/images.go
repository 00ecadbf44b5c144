package archive

import "time"

// What one GetImages call can ask for (API reference, GetImages).
const (
	// MaxImages is the most images that come in one answer: a page of GetImages has 25.
	MaxImages = 25
	// MinImageInterval and MaxImageInterval bound how far apart the instants lie that a call asks for.
	MinImageInterval = 200 * time.Millisecond
	MaxImageInterval = 20 * time.Second
	// MaxImageSpan bounds how far apart the first and the last of them lie.
	MaxImageSpan = 300 * time.Second
	// MaxImageWidth is the widest image that can be asked for, in pixels.
	MaxImageWidth = 3840
	// MaxImageSize is the largest image that comes, in bytes: 6 MiB of base64 (Image, ImageContent).
	MaxImageSize = 6 << 20 / 4 * 3
)

// ImageQuery asks for what a stream showed at instants that lie evenly: Start, Start+Interval, and so on, Count of them.
type ImageQuery struct {
	Stream   StreamName
	Selector Selector
	Start    time.Time
	// Interval is from MinImageInterval to MaxImageInterval, and Count from 1 to MaxImages. From the first to the last
	// instant it is less than MaxImageSpan.
	Interval time.Duration
	Count    int
	// Width is how wide the images are, in pixels, up to MaxImageWidth; 0 for the stream's own size.
	Width int
	// Refused is told of each time that the service refused the call for an exceeded limit; it may be nil and must not
	// block.
	Refused func()
}

// Image is what a GetImages call brings for one instant.
type Image struct {
	// At is the time that the service gives it: as a rule the instant that was asked for.
	At time.Time
	// JPEG is the image; nil where there is none.
	JPEG []byte
	// Err says why there is none: ErrNoFootage or ErrNoImage.
	Err error
}
