package join

import (
	"iter"
	"sort"
	"time"

	"clipfs/clip/mp4"
)

// Bounds that no footage comes near, so that sums of what parts claim stay in range.
const (
	// maxTime is the longest that a part may last or be away from the clip's beginning.
	maxTime = 1000 * time.Hour
	// maxMedia is the most bytes in a joined file.
	maxMedia = 1 << 60
	// maxExpanded is how many samples of a track are looked at one by one, where runs do not do.
	maxExpanded = 1 << 24
)

// inputPart is what a joiner knows of a part.
type inputPart struct {
	Part
	// mediaStart and mediaEnd bound the chunks in the payload.
	mediaStart, mediaEnd int64
	// inserts are in ascending order of both position and sample.
	inserts []insert
	// grown is how many bytes are inserted.
	grown int64
	// track is the part's share of the video and of the sound track.
	track [2]trackPart
	// ahead is when the first video sample is shown, less when the first frame is, which stands at Start.
	ahead time.Duration
	// lead is when the first sound sample is shown, less when the first video sample is. hidden is how long an edit of
	// the payload hides the sound that begins then.
	lead, hidden time.Duration
	// tracks is how many tracks were left out.
	tracks int
}

// insert is a place at which parameter sets go in.
type insert struct {
	// at is a position in the payload; before is how many bytes are inserted ahead of it.
	at, before int64
	// sample counts from 0 in the part's video; entry is an index of the joined track's.
	sample uint32
	entry  uint32
}

// trackPart is one part's share of a joined track. Times are in ticks of the joined track.
type trackPart struct {
	samples uint32
	chunks  int
	// skip and drop are how many samples of the payload's track come before those and after them: they are left out.
	skip, drop uint32
	// timescale in the payload; offset is the first sample's composition offset in it.
	timescale uint32
	offset    int32
	// least is the least composition offset, in the payload's timescale.
	least int32
	// entries gives for each sample entry of the part that of the joined track.
	entries []int
	// nominal is how long every sample should last; 0 where durations are taken as they are.
	nominal uint32
	// length is from the first sample to the last one; last is how long that one lasts.
	length, last int64
	// earliest and latest are when the first and the last picture are shown, from when the first sample is; 0 and length
	// for sound.
	earliest, latest int64
	// ends are the last runs of durations above 0; frame is how long a frame of sound lasts, 0 for G.711; opening is how
	// long the first sample does.
	ends           [8]mp4.DurationRun
	frame, opening int64
	// sizes are those of the first samples of sound and of the last ones, the last at the end.
	sizes [2][maxTwice]uint32
	// first is when the first sample is shown, from the Start of the first part on; due when it should be.
	first, due int64
	// tail changes the durations of the last samples.
	tail tail
	// head is added to the first sample's duration and offset.
	head uint32
	// shift is added to every composition offset.
	shift int64
}

// maxTwice is how many frames of sound can be told to be the same at both sides of a joint.
const maxTwice = 8

// size is what the part takes in the joined file.
func (p *inputPart) size() int64 { return p.mediaEnd - p.mediaStart + p.grown }

// position gives how far from the part's beginning in the joined file a position in its payload lies. What is inserted
// at that very place belongs to a video chunk that begins there.
func (p *inputPart) position(at int64, video bool) int64 {
	k := sort.Search(len(p.inserts), func(i int) bool {
		return p.inserts[i].at > at || video && p.inserts[i].at == at
	})
	moved := p.grown
	if k < len(p.inserts) {
		moved = p.inserts[k].before
	}
	return at - p.mediaStart + moved
}

// segments yields the part's ranges from offset at of the joined file on.
func (p *inputPart) segments(index int, at int64, sets [][]byte) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		from := p.mediaStart
		media := func(to int64) bool {
			s := Segment{Offset: at, Length: to - from, Part: index, PayloadOffset: from}
			from, at = to, at+s.Length
			return s.Length == 0 || yield(s)
		}
		for _, in := range p.inserts {
			set := sets[in.entry]
			if !media(in.at) || !yield(Segment{Offset: at, Length: int64(len(set)), Part: -1, Bytes: set}) {
				return
			}
			at += int64(len(set))
		}
		media(p.mediaEnd)
	}
}

// inTime reports whether a time in nanoseconds is within maxTime.
func inTime(ns int64) bool {
	return ns <= int64(maxTime) && ns >= -int64(maxTime)
}

// end is where the sample after the part's last would be decoded, if the first is when it is shown.
func (p *trackPart) end() int64 { return p.first + p.length + p.last }

// shownEnd is when the last picture ends.
func (p *trackPart) shownEnd() int64 { return p.first + p.latest + p.last }

// tail changes the durations of the last samples of a part: they last to ticks together where they lasted from, each in
// proportion, to the nearest tick but at least one. Of a single one, from does not count.
type tail struct {
	samples  uint32
	from, to int64
	// was and is are what the samples that next was called for lasted, and what they last now.
	was, is int64
}

// next gives how long the next sample of the tail lasts, which lasted duration.
func (t *tail) next(duration int64) int64 {
	t.samples--
	t.was += duration
	end := t.to
	if t.samples > 0 {
		scaled, _ := convert(t.was, uint64(t.from), uint64(t.to)) // less than to
		end = min(max(scaled, t.is+1), t.to-int64(t.samples))
	}
	d := end - t.is
	t.is = end
	return d
}
