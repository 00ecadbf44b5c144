package join

import (
	"context"
	"fmt"
	"io"
	"iter"
)

// Version is the version of what Make makes of given parts. It is raised whenever Make makes other bytes of the same
// parts than it did: what was made by another version is not what it makes now.
const Version = 5

// File is the plan of one traditional MP4 file made of many payloads: ftyp, moov, and one mdat in which the media of
// the parts lies in place. It holds some hundred bytes for each part and each inserted range, not for each sample.
// It does not change and is safe for concurrent use where the heads are.
type File struct {
	parts  []inputPart
	tracks []*outputTrack
	head   []piece
	media  int64
	times  []TimePoint
	video  *outputTrack
}

// Make plans the file. Parts stand in the order of their times; each has a video track with samples and may have a
// sound track. Further tracks are left out, which LeftOut tells. Errors about a part are a *PartError: ErrIncompatible
// where it does not fit to those before it, ErrMalformed where its tables disagree, ErrTooBig where the tables of the
// joined file would be beyond MaxMoov.
//
// # Time
//
// Positions are presentation times, to the tick of the joined video track (maxTimescale). A part's first frame, be it
// a picture or sound, stands at Start, less what gaps before it were closed by; every other picture stands as far from
// it as in the payload, edits applied. So where sound leads the picture by 93 ms, the first picture stands 93 ms after
// Start. The first picture is the first in decoding order: pictures of an open group that precede it stand before it.
// What an edit of the payload hides at its beginning is kept, at the time it would have, and is not the first frame.
//
// Pictures move in two cases only, and then all that follows moves alike until the next gap. After a closed gap the
// first picture follows the last one of the part before. So it does where it would stand on or before that one: an
// overlap. In these two cases it also waits for the sound before it to end.
//
// Decoding times follow: each part's first picture is decoded the same time before it is shown, the most that reordering
// needs in any part. The last samples before a joint are decoded faster where their part was muxed with more delay at
// its beginning than at its end. Decoding times rise strictly. A picture stays where it is shown.
//
// Sound keeps its distance to the video of its payload, to within one of its frames (or 20 ms). It goes on without a
// seam where that moves it by no more. A drift beyond that is taken out of the last frames of the part before. Frames
// that are at both sides of a joint are left out once. G.711 with one byte a channel in each sample is grouped into
// samples of up to a tenth of a second, in the chunks it has.
//
// The file begins with the first frame, so that nothing is lost to an edit: its time 0 is the Start of the first part,
// unless its payload has more before that, which Times tells. Where the file begins with its first picture, one edit of
// the video takes out the delay of reordering; it ends with the last picture shown. Where sound or a picture of an open
// group comes before, there is no edit: the first picture is decoded at 0 and shown when it is due, and the composition offsets of pictures that
// would need more delay than that are negative (version 1). ffmpeg cannot find a key frame in an edit that begins before
// the first picture, and shows all video early.
func Make(ctx context.Context, parts []Part, o Options) (*File, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("no parts: %w", ErrPlan)
	}
	b := newJoiner(parts, o)
	for _, step := range []func(context.Context) error{b.scan, b.scale, b.place, b.count} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return b.finish()
}

// Size is the size of the joined file in bytes.
func (j *File) Size() int64 { return j.HeadSize() + j.media }

// HeadSize is how many bytes stand before the media: ftyp, moov and the header of mdat.
func (j *File) HeadSize() int64 { return sizeOf(j.head) }

// LeftOut is what of a part is not in the joined file.
type LeftOut struct {
	// Part is an index of the parts given to Make.
	Part int
	// Tracks is how many tracks of video and sound were left out, because the file has one of each.
	Tracks int
	// Pictures and Sounds are how many samples were left out, because other parts have them, or the listing names no
	// fragment at their time.
	Pictures, Sounds uint32
}

// Surplus is what Make would leave out of a part that stands alone: further tracks, and what its Fragments do not name.
func Surplus(ctx context.Context, p Part) (LeftOut, error) {
	b := newJoiner([]Part{p}, Options{})
	if err := b.scan(ctx); err != nil {
		return LeftOut{}, err
	}
	for _, out := range (&File{parts: b.parts}).LeftOut() {
		return out, nil
	}
	return LeftOut{}, nil
}

// LeftOut tells of each part that has something which is not in the file.
func (j *File) LeftOut() []LeftOut {
	var all []LeftOut
	for i := range j.parts {
		p := &j.parts[i]
		out := LeftOut{Part: i, Tracks: p.tracks, Pictures: p.track[0].skip + p.track[0].drop,
			Sounds: p.track[1].skip + p.track[1].drop}
		if out.Tracks > 0 || out.Pictures > 0 || out.Sounds > 0 {
			all = append(all, out)
		}
	}
	return all
}

// Times tells how times in the file and the clip's times belong together: points in the order of both, the first of
// which counts from the file's beginning. Between two parts that a closed gap separates, the file has no time.
func (j *File) Times() []TimePoint { return j.times }

// WriteHead writes the head front to back; table entries are made while they are written. It fails with what w or a
// part's Head fails with, and with ErrPlan if a Head gives another movie than before. It may be called again.
func (j *File) WriteHead(ctx context.Context, w io.Writer) error { return writePieces(ctx, w, j.head) }

// Segments yields the file's ranges from 0 to Size, without a hole: first the head, then the media of the parts and
// what was inserted in it.
func (j *File) Segments() iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		at := j.HeadSize()
		if !yield(Segment{Length: at, Part: -1}) {
			return
		}
		for i := range j.parts {
			p := &j.parts[i]
			for s := range p.segments(i, at, j.video.sets) {
				if !yield(s) {
					return
				}
			}
			at += p.size()
		}
	}
}
