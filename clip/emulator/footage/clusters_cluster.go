package footage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// maxBlockHead is how long what stands before the frames of a block can be: a track number, a time and flags.
const maxBlockHead = 8 + 2 + 1

// cluster is the one that is being read.
type cluster struct {
	head incoming
	// left is how much a cluster of known size still has, size how much has come of one of either kind.
	left, size int64
	timecode   time.Duration
	tagged
	// ended says that the tag EndOfFragment has come, whole that the fragment was given out.
	ended, whole bool
	// frames is by the index of the track.
	frames [maxTracks]frames
}

// tagged is the tags of a fragment: whole elements, and how many tags there are in them.
type tagged struct {
	elements []byte
	count    int
}

// frames says when the frames of one track in one cluster are shown.
type frames struct {
	count                   int
	first, earliest, latest time.Duration
}

// begin starts a cluster: it reads up to its timecode.
func (c *Clusters) begin(h incoming) (time.Duration, error) {
	c.content.Reset()
	c.current = cluster{head: h, left: h.size, tagged: c.waiting}
	c.waiting = tagged{}
	if !h.unknown && h.size > MaxFragmentSize {
		return 0, ErrFragmentSize
	}
	for {
		h, err := c.child()
		if errors.Is(err, io.EOF) || err == nil && (h.id == idSimpleBlock || h.id == idBlockGroup) {
			err = fmt.Errorf("%w: Matroska cluster without a timecode", ErrInvalidMedia)
		}
		if err != nil {
			return 0, err
		}
		c.content.Write(h.raw)
		start := c.content.Len()
		if err := c.in.content(&c.content, h); err != nil {
			return 0, err
		}
		if h.id == idTimecode {
			return c.timecode(c.content.Bytes()[start:])
		}
	}
}

// timecode reads the timecode of a cluster.
func (c *Clusters) timecode(body []byte) (time.Duration, error) {
	ticks, err := unsigned(body)
	if err != nil {
		return 0, err
	}
	if ticks > math.MaxInt64/2/c.scale {
		return 0, ErrTimecode
	}
	at := time.Duration(ticks * c.scale)
	c.current.timecode = at
	if at < c.previous {
		return at.Round(time.Millisecond), ErrOutOfOrder
	}
	c.previous = at
	return at.Round(time.Millisecond), nil
}

// child reads the header of the next element of the current cluster. It is io.EOF where the cluster has ended.
func (c *Clusters) child() (incoming, error) {
	cur := &c.current
	if !cur.head.unknown && cur.left == 0 {
		return incoming{}, io.EOF
	}
	h, err := c.in.next()
	if err != nil {
		if errors.Is(err, io.EOF) && !cur.head.unknown {
			err = cutShort(err)
		}
		return incoming{}, err
	}
	if cur.head.unknown && isTop(h.id) {
		c.in.ahead = &h
		return incoming{}, io.EOF
	}
	if h.unknown {
		return incoming{}, fmt.Errorf("%w: Matroska element %#x without a size", ErrInvalidMedia, h.id)
	}
	size := int64(len(h.raw)) + h.size
	if !cur.head.unknown {
		if size > cur.left {
			return incoming{}, fmt.Errorf("%w: Matroska element %#x longer than its cluster", ErrInvalidMedia, h.id)
		}
		cur.left -= size
	}
	if size > MaxFragmentSize-cur.size {
		return incoming{}, ErrFragmentSize
	}
	cur.size += size
	return h, nil
}

// Read reads the rest of the cluster that Next began and writes the fragment to a sink, as a Matroska file of its own, which
// NewStored takes. It gives the time from the first to the last video frame, or to the last frame if there is no video.
//
// It returns as soon as the fragment is known to be whole, and waits for nothing behind it: a producer may send no more until
// it hears of the fragment. A cluster of known size is whole at its end; one of unknown size at the next cluster, at the tag
// EndOfFragment, or where the stream ends. Other tags between two clusters belong to the former, as long as that is
// not whole.
func (c *Clusters) Read(to Sink) (length time.Duration, err error) {
	c.out.Reset(to)
	defer c.out.Reset(nil)
	if err := c.write(c.header, clusterHeader(0), c.content.Bytes()); err != nil {
		return 0, err
	}
	for {
		h, err := c.child()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = c.element(h)
		}
		if err != nil {
			return 0, err
		}
	}
	if c.current.head.unknown {
		if err := c.trailer(); err != nil {
			return 0, err
		}
	}
	if err := c.finish(); err != nil {
		return 0, err
	}
	if err := c.write(c.current.elements); err != nil {
		return 0, err
	}
	c.current.whole = true
	if err := c.out.Flush(); err != nil {
		return 0, err
	}
	_, err = to.WriteAt(clusterHeader(c.current.size), int64(len(c.header)))
	return c.length(), err
}

// clusterHeader is what stands before the content of a cluster of so many bytes.
func clusterHeader(size int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{0x1f, 0x43, 0xb6, 0x75}, 1<<56|uint64(size))
}

// write writes to the sink.
func (c *Clusters) write(parts ...[]byte) error {
	for _, p := range parts {
		if _, err := c.out.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// element reads an element of the current cluster and passes it on.
func (c *Clusters) element(h incoming) error {
	if err := c.write(h.raw); err != nil {
		return err
	}
	switch h.id {
	case idSimpleBlock:
		return c.block(h)
	case idBlockGroup:
		return c.group(h)
	}
	return c.in.copy(c.out, h.size)
}

// group reads a BlockGroup and passes it on.
func (c *Clusters) group(group incoming) error {
	for left := group.size; left > 0; {
		h, err := c.in.next()
		if err != nil {
			return cutShort(err)
		}
		if left -= int64(len(h.raw)) + h.size; h.unknown || left < 0 {
			return fmt.Errorf("%w: Matroska element %#x longer than its group", ErrInvalidMedia, h.id)
		}
		if err := c.write(h.raw); err != nil {
			return err
		}
		if h.id == idBlock {
			err = c.block(h)
		} else {
			err = c.in.copy(c.out, h.size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// trailer reads what stands between the current cluster and what ends its fragment. What may not stand there ends it too, and
// is for Next to refuse: the fragment before it is whole.
func (c *Clusters) trailer() error {
	for !c.current.ended {
		h, err := c.in.next()
		switch {
		case errors.Is(err, io.EOF) && c.official:
			return ErrCut
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch h.id {
		case idCluster, idEBML, idSegment, idInfo, idTracks:
			c.in.ahead = &h
			return nil
		}
		if err := c.between(h); err != nil {
			return err
		}
	}
	return nil
}

// block passes a block on and notes when its frame is shown: a track number, 16 bits of time from the cluster's, flags (RFC
// 9559 10.1). Of laced frames it is the first.
func (c *Clusters) block(h incoming) error {
	head, err := c.in.in.Peek(int(min(h.size, maxBlockHead)))
	if err != nil {
		return cutShort(err)
	}
	if err := c.frame(head); err != nil {
		return err
	}
	return c.in.copy(c.out, h.size)
}

// frame notes when the frame of a block that begins so is shown.
func (c *Clusters) frame(head []byte) error {
	number, n := vint(head, 8, false)
	if n == 0 || len(head) < n+3 {
		return fmt.Errorf("%w: Matroska block of %d bytes", ErrInvalidMedia, len(head))
	}
	track := c.track(number)
	if track == nil {
		return ErrTrackNumber
	}
	ticks := int64(int16(binary.BigEndian.Uint16(head[n:])))
	at := c.current.timecode + time.Duration(ticks*int64(c.scale))
	if track.begun && at <= track.latest {
		return ErrOutOfOrder
	}
	for i := range c.tracks {
		if &c.tracks[i] == track {
			c.current.frames[i].add(at)
		}
	}
	earliest, latest := c.current.span()
	if latest-earliest > maxFragment {
		return ErrFragmentDuration
	}
	return nil
}

// add notes a frame.
func (f *frames) add(at time.Duration) {
	if f.count == 0 {
		f.first, f.earliest, f.latest = at, at, at
	}
	f.count++
	f.earliest, f.latest = min(f.earliest, at), max(f.latest, at)
}

// span gives the times of the first and last frame of all tracks.
func (c *cluster) span() (earliest, latest time.Duration) {
	earliest, latest = math.MaxInt64, math.MinInt64
	for _, f := range c.frames {
		if f.count > 0 {
			earliest, latest = min(earliest, f.earliest), max(latest, f.latest)
		}
	}
	return earliest, latest
}

// finish checks what can be known once a cluster is whole.
func (c *Clusters) finish() error {
	for i := range c.tracks {
		if c.current.frames[i].count == 0 {
			return ErrTrackEmpty
		}
	}
	for i := range c.tracks {
		c.tracks[i].latest, c.tracks[i].begun = c.current.frames[i].latest, true
	}
	return nil
}

// length gives the time from the first to the last frame of video, or of everything if there is none.
func (c *Clusters) length() time.Duration {
	for i, t := range c.tracks {
		if t.kind == typeVideo {
			f := c.current.frames[i]
			return (f.latest - f.first).Round(time.Millisecond)
		}
	}
	earliest, latest := c.current.span()
	return (latest - earliest).Round(time.Millisecond)
}
