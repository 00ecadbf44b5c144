package archive

import (
	"context"
	"io"
	"iter"
)

// Service is what holds the media: Kinesis Video Streams, or something that behaves as it does. Package clip/kvs has the
// one on AWS. Errors wrap the sentinels of this package; every method is safe for concurrent use
// and gives up when ctx ends. Retries happen within a call, until ctx ends.
type Service interface {
	// Streams yields every stream, page after page, in no order. An error ends the sequence.
	Streams(ctx context.Context) iter.Seq2[Stream, error]
	// Stream describes one stream; ErrNoStream if there is none of that name.
	Stream(ctx context.Context, name StreamName) (Stream, error)
	// Fragments yields the fragments that start in a span, in no order. No fragments is no error.
	Fragments(ctx context.Context, q FragmentQuery) iter.Seq2[Fragment, error]
	// Payload starts one GetClip call and returns when its body begins; ErrNoFootage if no fragment starts in the
	// span. The caller closes the body; ctx also bounds the reading of it.
	Payload(ctx context.Context, q PayloadQuery) (*Payload, error)
	// Images makes one GetImages call, and gives what came for its instants, in no order; some may be left out.
	Images(ctx context.Context, q ImageQuery) ([]Image, error)
}

// FragmentQuery asks for the fragments of a stream that start in a span.
type FragmentQuery struct {
	Stream   StreamName
	Selector Selector
	Span     Span
	// Limit is the most fragments wanted; 0 means all.
	Limit int
	// Page gives how many fragments the next call is to ask for at most, once so many have come: a call costs what it asks for. Nil means as
	// many as one can bring. More follow where there are more.
	Page func(given int) int
	// Priority is that of the calls; nil means ForReader.
	Priority *Demand
}

// PayloadQuery asks for the media of the fragments of a stream that start in a span.
type PayloadQuery struct {
	Stream   StreamName
	Selector Selector
	Span     Span
	// Fragments is how many are expected, which is what the call costs in quota points; 0 where that is not known.
	Fragments int
	// Likely is how many the call is taken to cost where Fragments is not known.
	Likely int
	// Priority is that of the payload, also while the call waits for its turn; nil means ForReader.
	Priority *Demand
	// Refused is told of each time that the service refused the call for an exceeded limit; it may be nil and must not
	// block.
	Refused func()
}

// Payload is the answer to one GetClip call.
type Payload struct {
	// Length of the body in bytes, or -1 where the service did not say.
	Length int64
	// Body gives the bytes as they arrive. An error before the end means that the connection was cut: errors wrap
	// ErrUnreachable.
	Body io.ReadCloser
	// Unread gives up the body: nothing can be read of it afterwards. It tells how many of its bytes have come over the network
	// and were not read; nil where that cannot be told. It works until Body is closed.
	Unread func() int64
}
