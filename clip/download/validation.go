package download

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sort"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// A payload is believed only as far as what it says of itself can be true. One that is no MP4, or whose head speaks of media
// that is not there, is no answer to GetClip: it is asked for again, a few times as it costs as much as a right one, and then
// it is an ErrMedia. None of it is handed on.
//
// A payload is whole where all the media of its tables has come. How its body is framed does not tell: a box mdat of size 0
// goes on to the end of the body (ISO/IEC 14496-12, 4.2), and a body without a length ends wherever the connection does.

const (
	// maxMoov is the longest moov that is taken from a payload, in bytes: 200 fragments of 20 s at 60 pictures a second have one
	// of 12 MB. It is held in memory while it comes, of each download.
	maxMoov = 64 << 20
	// maxChunks is the most chunks that a payload is believed to have: 100 MB in pieces of a hundred bytes.
	maxChunks = 1 << 20
	// maxHeld is how much may stand before the header of mdat besides moov, in bytes: it is held until that was seen.
	maxHeld = 1 << 20
	// maxBoxes is how many boxes a payload is believed to have at its top.
	maxBoxes = 1 << 16
)

// wrongError: what came is not a payload. It is an ErrMedia.
type wrongError struct{ reason error }

func (e *wrongError) Error() string { return fmt.Sprintf("not a payload: %v", e.reason) }

// Unwrap gives the sentinel, and not the reason: that a body ended early is not its matter.
func (e *wrongError) Unwrap() error { return archive.ErrMedia }

// Wrong gives the error of what is not a payload: it is asked for again a few times, and then is an ErrMedia.
func Wrong(format string, args ...any) error { return &wrongError{fmt.Errorf(format, args...)} }

// errFragmented: a payload is an MP4 in fragments, which GetClip does not send. Asking again, or for less, brings no
// other form. It is an ErrMedia.
var errFragmented = fmt.Errorf("a payload in fragments (moof), which is no traditional MP4: %w", archive.ErrMedia)

// extent is a range of bytes of a payload; to is less than 0 where it goes on to the end.
type extent struct{ from, to int64 }

// plausible refuses a head whose tables do not agree, or whose chunks lie outside of the media or over each other. It keeps
// where the media lies.
func (in *intake) plausible() error {
	chunks, err := chunksOf(in.parsed)
	if err != nil {
		return err
	}
	end := in.media
	in.unproven = nil
	for _, c := range chunks {
		if c.Position < end {
			return Wrong("media at %d lies before %d, where that before it ends", c.Position, end)
		}
		if last := len(in.unproven) - 1; last >= 0 && c.Position == end {
			in.unproven[last].to = c.Position + c.Size
		} else {
			in.unproven = append(in.unproven, extent{c.Position, c.Position + c.Size})
		}
		end = c.Position + c.Size
	}
	if in.length >= 0 && end > in.length {
		return Wrong("media up to %d in %d bytes", end, in.length)
	}
	return nil
}

// chunksOf gives the chunks of a movie that have any bytes, by position.
func chunksOf(m *mp4.Movie) ([]mp4.Chunk, error) {
	var chunks []mp4.Chunk
	for i, t := range m.Tracks {
		for c, err := range t.Chunks() {
			if err != nil {
				return nil, Wrong("track %d: %w", i+1, err)
			}
			if len(chunks) == maxChunks {
				return nil, Wrong("more than %d chunks", maxChunks)
			}
			if c.Size > 0 {
				chunks = append(chunks, c)
			}
		}
	}
	slices.SortFunc(chunks, func(a, b mp4.Chunk) int { return cmp.Compare(a.Position, b.Position) })
	return chunks, nil
}

// came keeps where the body of a box lies.
func (in *intake) came(box *mp4.Box) error {
	if in.judged && in.unproven == nil {
		return nil
	}
	if len(in.bodies) == maxBoxes {
		return Wrong("more than %d boxes", maxBoxes)
	}
	in.bodies = append(in.bodies, extent{box.Position + int64(box.HeaderSize), box.End()})
	return nil
}

// reach gives where the media of the tables ends; false where there is none.
func (in *intake) reach() (int64, bool) {
	if len(in.unproven) == 0 {
		return 0, false
	}
	return in.unproven[len(in.unproven)-1].to, true
}

// boxesUpTo reports whether all boxes up to a position are known.
func (in *intake) boxesUpTo(position int64) bool {
	last := in.bodies[len(in.bodies)-1]
	return last.to < 0 || last.to >= position || in.boxes.Position() >= position
}

// prove makes sure that the media of the tables lies in the bodies of boxes of a payload of so many bytes. What reaches
// beyond them was cut.
func (in *intake) prove(size int64) error {
	if end, ok := in.reach(); ok && end > size {
		return cut(fmt.Errorf("%d bytes, and media up to %d: %w", size, end, io.ErrUnexpectedEOF))
	}
	for _, media := range in.unproven {
		i := sort.Search(len(in.bodies), func(i int) bool { return in.bodies[i].from > media.from }) - 1
		if i < 0 || in.bodies[i].to >= 0 && in.bodies[i].to < media.to {
			return Wrong("media from %d to %d, where no box lies", media.from, media.to)
		}
	}
	in.unproven, in.bodies = nil, nil
	return nil
}
