package mp4

import (
	"fmt"
	"io"
	"iter"
	"time"
)

// JoinVersion is the version of what Join makes of given parts. It is raised whenever Join makes other bytes of the same
// parts than it did: what was made by another version is not what it makes now.
const JoinVersion = 1

// Head gives the parsed head of a payload. Join asks for it some times and Joined.WriteHead once for each table, one
// part after the other, so that not all heads have to be in memory at once; it is the same movie each time.
// A *Movie is a Head of itself.
type Head interface {
	Open() (*Movie, error)
}

// Open implements Head.
func (m *Movie) Open() (*Movie, error) { return m, nil }

var _ Head = (*Movie)(nil)

// Part is one payload that goes into a joined file.
type Part struct {
	Head Head
	// MediaStart and MediaEnd bound the body of mdat within the payload, in bytes; chunks outside are refused. Where
	// MediaEnd is 0 they are not known and not looked at.
	MediaStart, MediaEnd int64
	// Start is when the part's first video sample in decoding order is shown, counted from the clip's time 0.
	Start time.Duration
	// GapBefore says that nothing was recorded for a while before the part.
	GapBefore bool
}

// GapPolicy says what becomes of the time in which nothing was recorded.
type GapPolicy int

const (
	// CloseGaps plays only what was recorded: what follows a gap is moved up to what precedes it.
	CloseGaps GapPolicy = iota
	// KeepGaps keeps the clock: the last sample before a gap lasts until the next.
	KeepGaps
)

// JoinOptions say how parts are joined. The zero value works.
type JoinOptions struct {
	Gaps GapPolicy
	// Created is written as creation and modification time of the movie, its tracks and their media.
	Created time.Time
}

// PartError is what is wrong with one part; Err wraps ErrIncompatible, ErrMalformed or ErrTooBig, or is what its
// Head failed with.
type PartError struct {
	// Part is an index of the parts given to Join.
	Part int
	Err  error
}

// Error implements error.
func (e *PartError) Error() string { return fmt.Sprintf("part %d: %v", e.Part, e.Err) }

// Unwrap gives Err.
func (e *PartError) Unwrap() error { return e.Err }

// Segment is a range of a joined file and where its bytes come from.
type Segment struct {
	// Offset in the joined file and Length, in bytes.
	Offset, Length int64
	// Part is an index of the parts given to Join, or -1 where the bytes are not a payload's.
	Part int
	// PayloadOffset is where the range begins in the part's payload.
	PayloadOffset int64
	// Bytes are those of a range that was inserted; nil for the head, which WriteHead writes, and for payloads.
	Bytes []byte
}

// TimePoint says that from File on, a time in the joined file, the clip's time is Clip plus what has passed since
// File. Times in the file are those at which samples are shown, edits applied.
type TimePoint struct {
	File, Clip time.Duration
}

// Joined is the plan of one traditional MP4 file made of many payloads: ftyp, moov, and one mdat in which the media of
// the parts lies in place. It holds some hundred bytes for each part and each inserted range, not for each sample.
// It does not change and is safe for concurrent use where the heads are.
type Joined struct {
	parts  []joinPart
	tracks []*joinTrack
	head   []piece
	media  int64
	times  []TimePoint
	video  *joinTrack
}

// Join plans the file. Parts stand in the order of their times; each has exactly one video track with samples and at
// most one sound track, other tracks are left out. Errors about a part are a *PartError: ErrIncompatible where it does
// not fit to those before it, ErrMalformed where its tables disagree, ErrTooBig where the tables of the joined file
// would be beyond MaxMoov.
//
// Time: the first video sample of a part is shown at its Start, less what gaps before it were closed by, and the sample
// before it lasts until then. Where it would stand on or before the last sample of the part before, or its sound more
// than a frame before that one's end, it is placed right after, and so is all that follows until the next gap. Sound
// keeps its distance to the video of its payload but goes on without a seam where that moves it by less than one of its
// frames (or 20 ms); a drift beyond that is taken out of the last frames of the part before. G.711 with one byte a
// channel in each sample is grouped into samples of up to a tenth of a second, in the chunks it has.
//
// Where sound begins before the first video sample, everything is shown that much later, so that no frame is lost to
// an edit: Times tells. Only the video track can have an edit, one that takes out the delay of reordering.
func Join(parts []Part, o JoinOptions) (*Joined, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("no parts: %w", ErrPlan)
	}
	b := newJoiner(parts, o)
	for _, step := range []func() error{b.scan, b.scale, b.place, b.count} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.finish()
}

// Size is the size of the joined file in bytes.
func (j *Joined) Size() int64 { return j.HeadSize() + j.media }

// HeadSize is how many bytes stand before the media: ftyp, moov and the header of mdat.
func (j *Joined) HeadSize() int64 { return sizeOf(j.head) }

// Times tells how times in the file and the clip's times belong together: points in the order of both, the first of
// which counts from the file's beginning. Between two parts that a closed gap separates, the file has no time.
func (j *Joined) Times() []TimePoint { return j.times }

// WriteHead writes the head front to back; table entries are made while they are written. It fails with what w or a
// part's Head fails with, and with ErrPlan if a Head gives another movie than before. It may be called again.
func (j *Joined) WriteHead(w io.Writer) error { return writePieces(w, j.head) }

// Segments yields the file's ranges from 0 to Size, without a hole: first the head, then the media of the parts and
// what was inserted in it.
func (j *Joined) Segments() iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		at := j.HeadSize()
		if !yield(Segment{Length: at, Part: -1}) {
			return
		}
		for i := range j.parts {
			p := &j.parts[i]
			for s := range p.segments(i, at, j.video) {
				if !yield(s) {
					return
				}
			}
			at += p.size()
		}
	}
}
