package clip

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// What a payload says of itself is believed only as far as it can be true. One that is no MP4, or whose head speaks of
// media that is not there, is no answer to GetClip: it is asked for again, a few times as it costs as much as a right
// one, and then it is an ErrMedia. None of it is handed on.

const (
	// maxWrong is how many wrong payloads are taken for one before it is given up.
	maxWrong = 3
	// maxChunks is the most chunks that a payload is believed to have: 100 MB in pieces of a hundred bytes.
	maxChunks = 1 << 20
	// maxHeld is how much may stand before the header of mdat besides moov, in bytes: it is held until that was seen.
	maxHeld = 1 << 20
)

// wrongError: what came is not a payload. It is an ErrMedia.
type wrongError struct{ reason error }

// Error implements error.
func (e *wrongError) Error() string { return fmt.Sprintf("not a payload: %v", e.reason) }

// Unwrap gives the sentinel, and not the reason: that a body ended early is not its matter.
func (e *wrongError) Unwrap() error { return archive.ErrMedia }

// wrong makes a wrongError.
func wrong(format string, args ...any) error { return &wrongError{fmt.Errorf(format, args...)} }

// errFragmented says that a payload is an MP4 in fragments, which GetClip does not send. Asking again, or for less, brings no
// other form. It is an ErrMedia.
var errFragmented = fmt.Errorf("a payload in fragments (moof), which is no traditional MP4: %w", archive.ErrMedia)

// worthAgain reports whether a call is worth making again after an error. count is how many wrong payloads came.
func worthAgain(err error, count *int) bool {
	var w *wrongError
	if errors.As(err, &w) {
		*count++
		return *count < maxWrong
	}
	return errors.Is(err, archive.ErrUnreachable) && !errors.Is(err, archive.ErrNotListening) || errors.Is(err, archive.ErrThrottled)
}

// fits refuses a box that ends beyond the body.
func (in *intake) fits(box *mp4.Box) error {
	if in.length >= 0 && box.End() > in.length {
		return wrong("box %s ends at %d of %d bytes", box.Type, box.End(), in.length)
	}
	return nil
}

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
			return wrong("media at %d lies before %d, where that before it ends", c.Position, end)
		}
		if last := len(in.unproven) - 1; last >= 0 && c.Position == end {
			in.unproven[last].to = c.Position + c.Size
		} else {
			in.unproven = append(in.unproven, extent{c.Position, c.Position + c.Size})
		}
		end = c.Position + c.Size
	}
	if in.length >= 0 && end > in.length {
		return wrong("media up to %d in %d bytes", end, in.length)
	}
	return nil
}

// chunksOf gives the chunks of a movie that have any bytes, by position.
func chunksOf(m *mp4.Movie) ([]mp4.Chunk, error) {
	var chunks []mp4.Chunk
	for i, t := range m.Tracks {
		for c, err := range t.Chunks() {
			if err != nil {
				return nil, wrong("track %d: %w", i+1, err)
			}
			if len(chunks) == maxChunks {
				return nil, wrong("more than %d chunks", maxChunks)
			}
			if c.Size > 0 {
				chunks = append(chunks, c)
			}
		}
	}
	slices.SortFunc(chunks, func(a, b mp4.Chunk) int { return cmp.Compare(a.Position, b.Position) })
	return chunks, nil
}

// hold takes bytes that are not handed on before it is known what they speak of.
func (in *intake) hold(p []byte) error {
	if len(in.held)+len(p) > len(in.moov)+maxHeld {
		return wrong("more than %d bytes besides moov before the media", maxHeld)
	}
	in.held = append(in.held, p...)
	return nil
}

// write hands bytes on, or holds them while mdat has not come.
func (in *intake) write(p []byte) error {
	if !in.mdatSeen {
		return in.hold(p)
	}
	if len(in.held) > 0 {
		held := in.held
		in.held = nil
		if err := in.out.write(held); err != nil {
			return err
		}
	}
	return in.out.write(p)
}
