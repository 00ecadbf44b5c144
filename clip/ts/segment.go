package ts

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
)

// ClockRate is how many ticks of PTS and DTS a second has.
const ClockRate = 90_000

// Unit is an access unit: a picture as it stands in an MP4 file, or a frame of AAC without a header.
type Unit struct {
	// Sound says that it is a frame of sound.
	Sound bool
	// Key says that decoding can begin at this picture.
	Key bool
	// PTS and DTS in ticks of 90 kHz; sound is decoded when it is heard.
	PTS, DTS int64
	// Size of the unit in bytes.
	Size int
	// Entry is the index of the unit's parameters in Streams.Video or Streams.Sound.
	Entry int
	// Silent says that it is a frame of silence: it has no bytes of its own to be read, and Size is not looked at.
	Silent bool
}

// Segment is where each packet of a file stands. It never changes.
type Segment struct {
	streams Streams
	head    []byte // PAT and PMT
	units   []placed
	packets int
}

// placed is a unit in a segment.
type placed struct {
	Unit
	// index is that among the units that were given.
	index int
	// first is the unit's first packet, count how many it has, counter the continuity counter of the first.
	first, count, counter int
	// begins says that no packet of its stream stands before it.
	begins bool
}

// Plan places units, in the order of their decoding times, those of one time in the order in which they are given; sound begins behind
// the first pictures. No byte of media is needed. ErrUnsupported for what no packet can carry.
func Plan(s Streams, units []Unit) (*Segment, error) {
	seg := &Segment{streams: s, head: s.tables()}
	seg.packets = len(seg.head) / PacketSize
	for i, u := range units {
		if err := s.check(u); err != nil {
			return nil, fmt.Errorf("unit %d of %d: %w", i, len(units), err)
		}
		if u.Silent {
			u.Size = len(s.Sound[u.Entry].Silence())
		}
		seg.units = append(seg.units, placed{Unit: u, index: i})
	}
	slices.SortStableFunc(seg.units, func(a, b placed) int { return cmp.Compare(a.DTS, b.DTS) })
	picturesFirst(seg.units)
	var counters [2]int
	for i := range seg.units {
		u := &seg.units[i]
		c := &counters[0]
		if u.Sound {
			c = &counters[1]
		}
		u.begins, u.counter, u.first = *c == 0, *c, seg.packets
		u.count = (s.pesSize(u) + s.adaptation(u) + payloadSize - 1) / payloadSize
		*c += u.count
		seg.packets += u.count
	}
	return seg, nil
}

// picturesFirst puts sound behind the first pictures. A demuxer knows the end of a picture from the beginning of the one after it, and
// FFmpeg takes the first frame that comes out, picture or sound, for the beginning of the playlist: it must be the key frame,
// which is decoded before anything else, or a seek misses the key frame of its segment.
func picturesFirst(units []placed) {
	const pictures = 3
	n := 0
	for i, u := range units {
		if u.Sound {
			continue
		}
		copy(units[n+1:i+1], units[n:i])
		units[n] = u
		if n++; n == pictures {
			return
		}
	}
}

// check reports what speaks against carrying a unit.
func (s Streams) check(u Unit) error {
	switch {
	case u.Entry < 0, u.Sound && u.Entry >= len(s.Sound), !u.Sound && u.Entry >= len(s.Video):
		return fmt.Errorf("of an entry that is not there: %w", ErrUnsupported)
	case !u.Sound && s.Video[u.Entry].codec != s.Video[0].codec:
		return fmt.Errorf("of another codec: %w", ErrUnsupported)
	case u.Silent && !u.Sound:
		return fmt.Errorf("a silent picture: %w", ErrUnsupported)
	case u.Size <= 0 && !u.Silent, u.Size > math.MaxInt32, u.Sound && u.Size > maxFrame:
		return fmt.Errorf("of %d bytes: %w", u.Size, ErrUnsupported)
	}
	return nil
}

// Size of the file in bytes.
func (g *Segment) Size() int64 { return int64(g.packets) * PacketSize }

// pesSize is the length of a unit's PES packet, header included.
func (s Streams) pesSize(u *placed) int {
	n := pesHeaderSize(u) + u.Size
	switch {
	case u.Sound:
		n += adtsSize
	default:
		n += len(s.Video[u.Entry].delimiter())
		if u.Key {
			n += len(s.Video[u.Entry].sets)
		}
	}
	return n
}

// adaptation is how many bytes of adaptation field the first packet of a unit needs.
func (s Streams) adaptation(u *placed) int {
	switch {
	case s.hasClock(u):
		return 8
	case u.begins || u.Key:
		return 2
	}
	return 0
}

// hasClock reports whether a unit carries PCR.
func (s Streams) hasClock(u *placed) bool { return u.Sound == (len(s.Video) == 0) }

// unitAt gives the index of the unit that a packet behind the tables is of.
func (g *Segment) unitAt(packet int) int {
	return sort.Search(len(g.units), func(i int) bool { return g.units[i].first > packet }) - 1
}
