package footage

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// What can be wrong with what a producer sends, besides ErrInvalidMedia (API reference, PutMedia, Response Elements).
var (
	// ErrFragmentSize: a fragment is larger than MaxFragmentSize.
	ErrFragmentSize = errors.New("fragment too large")
	// ErrFragmentDuration: the frames of a fragment span more than 20 seconds.
	ErrFragmentDuration = errors.New("fragment too long")
	// ErrOutOfOrder: a fragment has an earlier timecode than the one before, or a frame that is not later than all of
	// its track in the one before.
	ErrOutOfOrder = errors.New("fragment out of order")
	// ErrTimecode: the timecode of a fragment is no time.
	ErrTimecode = errors.New("timecode out of range")
	// ErrTagLimit: a fragment has more than 10 tags, or one that is too long.
	ErrTagLimit = errors.New("too many tags")
	// ErrTrackNumber: a frame is of no track in the header.
	ErrTrackNumber = errors.New("frame of an unknown track")
	// ErrTrackEmpty: a fragment has no frame of a track in the header.
	ErrTrackEmpty = errors.New("track without frames")
	// ErrTrackCount: there are more than 3 tracks.
	ErrTrackCount = errors.New("too many tracks")
	// ErrCut: the media ends without EndOfFragment, of a producer that ends fragments with it. No producer is told so: one that
	// starts over ends its body in the midst of a fragment, which comes again.
	ErrCut = errors.New("fragment cut off")
)

// EndOfFragment is the name of the tag that the official producers send behind the last cluster for now. They keep the
// connection open and wait until the fragment is persisted.
const EndOfFragment = "AWS_KINESISVIDEO_END_OF_FRAGMENT"

// officialMuxer begins what the official producers say of themselves (MuxingApp, RFC 9559 5.1.2.12).
const officialMuxer = "Kinesis Video SDK"

const (
	// MaxFragmentSize is the largest cluster of a fragment, in bytes (quotas page, PutMedia).
	MaxFragmentSize = 50_000_000
	// maxTracks is how many tracks there may be (quotas page, PutMedia).
	maxTracks = 3
	// maxStreamHeader is how large the elements before the first cluster may be that are kept with each fragment.
	maxStreamHeader = 1 << 20
)

// Sink takes the file of a fragment while the fragment arrives. WriteAt only goes over bytes that were written before.
type Sink interface {
	io.Writer
	io.WriterAt
}

// Clusters reads Matroska as a producer sends it, one segment of any length, and takes it apart at its clusters: one is
// one fragment. It holds none of them: what has come goes to a Sink at once. A fragment has no more than MaxFragmentSize,
// and that is found out before more of it is read.
type Clusters struct {
	in elements
	// out collects small writes to the Sink of the current cluster.
	out *bufio.Writer
	// header is what is stored before each cluster: EBML, the segment's header, Info and Tracks.
	header []byte
	scale  uint64 // nanoseconds a tick
	tracks []streamTrack
	// official says that the producer ends fragments with EndOfFragment.
	official bool
	// previous is the timecode of the cluster before.
	previous time.Duration
	current  cluster
	// waiting are tags that go with the next fragment: those before the first cluster, and those that come when the current
	// fragment is whole already.
	waiting tagged
	// content is what the current cluster has up to its timecode.
	content bytes.Buffer
}

// streamTrack is a track in the header.
type streamTrack struct {
	number, kind uint64
	// latest is the time of the last frame shown so far, in the clusters before the current one.
	latest time.Duration
	begun  bool
}

// bufferSize is how much is read, and written, at once.
const bufferSize = 64 << 10

// NewClusters starts to read.
func NewClusters(r io.Reader) *Clusters {
	return &Clusters{in: elements{in: bufio.NewReaderSize(r, bufferSize)}, out: bufio.NewWriterSize(nil, bufferSize), scale: 1_000_000, previous: math.MinInt64}
}

// Next reads up to the timecode of the next cluster and gives it, to the millisecond. It is io.EOF where the stream has
// ended. What it skips may not have sizes that are unknown, nor be a second segment or header.
func (c *Clusters) Next() (time.Duration, error) {
	if c.header == nil {
		if err := c.readHeader(); err != nil {
			return 0, err
		}
	}
	for {
		h, err := c.in.next()
		if err != nil {
			return 0, err
		}
		if h.id == idCluster {
			return c.begin(h)
		}
		if err := c.between(h); err != nil {
			return 0, err
		}
	}
}

// between reads an element that stands between clusters.
func (c *Clusters) between(h incoming) error {
	switch h.id {
	case idEBML, idSegment, idInfo, idTracks:
		return fmt.Errorf("%w: Matroska element %#x after the first cluster", ErrInvalidMedia, h.id)
	case idTags:
		return c.tags(h)
	}
	return c.in.skip(h)
}

// readHeader reads up to the first cluster.
func (c *Clusters) readHeader() error {
	var kept bytes.Buffer
	for {
		h, err := c.in.next()
		if err != nil {
			if errors.Is(err, io.EOF) && kept.Len() > 0 {
				return cutShort(err)
			}
			return err
		}
		switch h.id {
		case idCluster:
			c.in.ahead = &h
			if c.tracks == nil {
				return fmt.Errorf("%w: Matroska cluster without tracks", ErrInvalidMedia)
			}
			c.header = slices.Clone(kept.Bytes())
			return nil
		case idSegment:
			// Its size is that of all clusters; what is stored has one.
			kept.Write([]byte{0x18, 0x53, 0x80, 0x67, 0xff})
			continue
		case idEBML, idInfo, idTracks:
			err = c.headerElement(&kept, h)
		case idTags:
			err = c.headTags(h)
		default:
			err = c.in.skip(h)
		}
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(kept.Bytes(), []byte{0x1a, 0x45, 0xdf, 0xa3}) {
			return fmt.Errorf("%w: no Matroska header", ErrInvalidMedia)
		}
	}
}

// headerElement keeps an element of the header and reads it.
func (c *Clusters) headerElement(kept *bytes.Buffer, h incoming) error {
	if h.size > maxStreamHeader-int64(kept.Len()) {
		return fmt.Errorf("%w: Matroska header of more than %d bytes", ErrInvalidMedia, maxStreamHeader)
	}
	kept.Write(h.raw)
	start := kept.Len()
	if err := c.in.content(kept, h); err != nil {
		return err
	}
	content := kept.Bytes()[start:]
	switch h.id {
	case idInfo:
		return c.info(content)
	case idTracks:
		return c.readTracks(content)
	}
	return nil
}

// info reads how long a tick is, and what made the media.
func (c *Clusters) info(content []byte) error {
	r := matroskaReader{data: content, scale: c.scale}
	err := r.info(element{end: len(content)})
	c.scale = r.scale
	if err != nil {
		return err
	}
	return children(content, func(id uint32, value []byte) error {
		c.official = c.official || id == idMuxingApp && bytes.HasPrefix(value, []byte(officialMuxer))
		return nil
	})
}

// readTracks reads which tracks there are.
func (c *Clusters) readTracks(content []byte) error {
	if c.tracks != nil {
		return fmt.Errorf("%w: Matroska tracks that come twice", ErrInvalidMedia)
	}
	err := children(content, func(id uint32, entry []byte) error {
		if id != idTrackEntry {
			return nil
		}
		var t streamTrack
		err := children(entry, func(id uint32, value []byte) (err error) {
			switch id {
			case idTrackNumber:
				t.number, err = unsigned(value)
			case idTrackType:
				t.kind, err = unsigned(value)
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(c.tracks) == maxTracks {
			return ErrTrackCount
		}
		if t.number == 0 || c.track(t.number) != nil {
			return fmt.Errorf("%w: Matroska track number %d", ErrInvalidMedia, t.number)
		}
		c.tracks = append(c.tracks, t)
		return nil
	})
	if err == nil && c.tracks == nil {
		err = fmt.Errorf("%w: no Matroska track", ErrInvalidMedia)
	}
	return err
}

// track gives the track with a number; nil if there is none.
func (c *Clusters) track(number uint64) *streamTrack {
	for i := range c.tracks {
		if c.tracks[i].number == number {
			return &c.tracks[i]
		}
	}
	return nil
}

// Limits of fragment metadata (quotas page, and what producers are built with).
const (
	maxTags     = 10
	maxTagName  = 128
	maxTagValue = 256
	// maxTagsElement is far above what so many tags take.
	maxTagsElement = 64 << 10
)

// headTags keeps tags that come before the first cluster for its fragment. They are the file's as a rule, so no limit is held;
// very many are left out.
func (c *Clusters) headTags(h incoming) error {
	if h.size > maxTagsElement-int64(len(c.waiting.elements)) {
		return c.in.skip(h)
	}
	var b bytes.Buffer
	err := c.in.content(&b, h)
	c.waiting.elements = append(append(c.waiting.elements, h.raw...), b.Bytes()...)
	return err
}

// tags checks the tags of a fragment and keeps them, each element as it came, but for one with the service's own tag.
func (c *Clusters) tags(h incoming) error {
	if h.size > maxTagsElement {
		return ErrTagLimit
	}
	var b bytes.Buffer
	if err := c.in.content(&b, h); err != nil {
		return err
	}
	of := &c.current.tagged
	if c.current.whole {
		of = &c.waiting
	}
	own := false
	err := children(b.Bytes(), func(id uint32, tag []byte) error {
		if id != idTag {
			return nil
		}
		return children(tag, func(id uint32, simple []byte) error {
			if id != idSimpleTag {
				return nil
			}
			// The service's own tag is none of the producer's.
			if ended, err := isEndOfFragment(simple); ended || err != nil {
				c.current.ended = c.current.ended || ended
				own = own || ended
				return err
			}
			if of.count++; of.count > maxTags {
				return ErrTagLimit
			}
			return children(simple, func(id uint32, text []byte) error {
				if id == idTagName && utf8.RuneCount(text) > maxTagName || id == idTagString && utf8.RuneCount(text) > maxTagValue {
					return ErrTagLimit
				}
				return nil
			})
		})
	})
	if err == nil && !own {
		of.elements = append(append(of.elements, h.raw...), b.Bytes()...)
	}
	return err
}

// isEndOfFragment reports whether a SimpleTag is named EndOfFragment; its value does not matter.
func isEndOfFragment(simple []byte) (ended bool, err error) {
	err = children(simple, func(id uint32, text []byte) error {
		ended = ended || id == idTagName && string(text) == EndOfFragment
		return nil
	})
	return ended, err
}
