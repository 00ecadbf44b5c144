package chunk

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"clipfs/clip/emulator/footage"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
)

// ContentType is that of chunks.
const ContentType = "video/webm"

// Names of the service's tags (API reference, GetMedia and GetMediaForFragmentList).
const (
	prefix            = "AWS_KINESISVIDEO_"
	fragmentNumber    = prefix + "FRAGMENT_NUMBER"
	serverTime        = prefix + "SERVER_TIMESTAMP"
	producerTime      = prefix + "PRODUCER_TIMESTAMP"
	serverSideTime    = prefix + "SERVER_SIDE_TIMESTAMP"
	producerSideTime  = prefix + "PRODUCER_SIDE_TIMESTAMP"
	millisBehindNow   = prefix + "MILLIS_BEHIND_NOW"
	continuationToken = prefix + "CONTINUATION_TOKEN"
	errorCode         = prefix + "ERROR_CODE"
	errorID           = prefix + "ERROR_ID"
	exceptionCode     = prefix + "EXCEPTION_ERROR_CODE"
	exceptionMessage  = prefix + "EXCEPTION_MESSAGE"
)

// tag is a SimpleTag.
type tag struct {
	Name  string `ebml:"TagName"`
	Value string `ebml:"TagString"`
}

// tags is a Tags element of one Tag.
type tags struct {
	Tags struct {
		Tag struct {
			SimpleTag []tag `ebml:"SimpleTag"`
		} `ebml:"Tag"`
	} `ebml:"Tags"`
}

// writeTags writes a Tags element.
func writeTags(w io.Writer, all ...tag) error {
	var t tags
	t.Tags.Tag.SimpleTag = all
	return ebml.Marshal(&t, w)
}

// seconds gives a time as the service's tags have it.
func seconds(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%d.%03d", ms/1000, ms%1000)
}

// writeMedia writes the chunk of a fragment for GetMedia; behind is how much older it is than the newest of its stream. Errors of the
// media are those of footage.Fragment.Parts, and nothing has been written then.
func writeMedia(w io.Writer, f footage.Fragment, behind time.Duration) error {
	before := []tag{{fragmentNumber, f.Number}, {serverTime, seconds(f.Server)}, {producerTime, seconds(f.Producer)}}
	return write(w, f, before, []tag{{millisBehindNow, strconv.FormatInt(behind.Milliseconds(), 10)}, {continuationToken, f.Number}})
}

// writeListed writes the chunk of a fragment for GetMediaForFragmentList.
func writeListed(w io.Writer, f footage.Fragment) error {
	server, producer := seconds(f.Server), seconds(f.Producer)
	return write(w, f, []tag{{fragmentNumber, f.Number}, {serverTime, server}, {producerTime, producer},
		{serverSideTime, server}, {producerSideTime, producer}}, nil)
}

// write writes a chunk with tags before and behind its cluster.
func write(w io.Writer, f footage.Fragment, before, behind []tag) error {
	parts, err := f.Parts()
	if err != nil {
		return &mediaError{err}
	}
	if _, err := w.Write(parts.Header); err != nil {
		return err
	}
	if err := writeTags(w, before...); err != nil {
		return err
	}
	_, cluster := w.Write(parts.Cluster)
	_, own := w.Write(parts.Tags)
	if err := errors.Join(cluster, own); err != nil || behind == nil {
		return err
	}
	return writeTags(w, behind...)
}

// mediaError says that the media of a fragment could not be had; nothing of its chunk was written.
type mediaError struct{ err error }

func (e *mediaError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *mediaError) Unwrap() error { return e.err }

// failure is what ends an answer that has begun.
type failure struct {
	id   int
	text string
}

// The failures that there are here (API reference, GetMedia, Payload): it has others for keys.
func notFound() failure { return failure{4000, "Requested fragment is not found"} }

// failureOf gives what is told of an error.
func failureOf(err error) failure {
	if errors.Is(err, errNotFound) {
		return notFound()
	}
	return failure{5000, "Internal error"}
}

// errNotFound says that there is no fragment of a number.
var errNotFound = errors.New("no such fragment")

// writeFailure writes the document that ends an answer of GetMedia.
func writeFailure(w io.Writer, f failure) error {
	return document(w, tag{errorCode, f.text}, tag{errorID, strconv.Itoa(f.id)})
}

// writeException writes the document that ends an answer of GetMediaForFragmentList, at the fragment of a number.
func writeException(w io.Writer, number string, f failure) error {
	return document(w, tag{fragmentNumber, number}, tag{exceptionCode, strconv.Itoa(f.id)}, tag{exceptionMessage, f.text})
}

// document writes one that has tags alone.
func document(w io.Writer, all ...tag) error {
	d := struct {
		Header  webm.EBMLHeader `ebml:"EBML"`
		Segment struct{}        `ebml:"Segment,size=unknown"`
	}{Header: webm.EBMLHeader{EBMLVersion: 1, EBMLReadVersion: 1, EBMLMaxIDLength: 4, EBMLMaxSizeLength: 8,
		DocType: "matroska", DocTypeVersion: 4, DocTypeReadVersion: 2}}
	if err := ebml.Marshal(&d, w); err != nil {
		return err
	}
	return writeTags(w, all...)
}
