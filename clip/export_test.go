package clip

import (
	"context"
	"fmt"
	"io"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/match"
	"clipfs/clip/mp4"
)

// LayoutAt finds where a position of an open clip of many parts lies; false if it has one part.
func LayoutAt(h *Handle, off int64) bool {
	f, ok := h.file.(*joinedFile)
	if ok {
		_, ok = f.layout.at(off)
	}
	return ok
}

// LetHeadGo has the joined head of an open clip of many parts be taken up again by its next read, and be made for that.
func LetHeadGo(h *Handle) {
	f, c := h.file.(*joinedFile), h.clip.library.cache
	f.head.Close()
	c.Drop(f.layout.headKey)
	f.head = h.clip.library.downloads.Made(f.layout.headKey, f.layout.request())
}

// LookBothWays gives what a look-up finds out of a listing in two ways: by the minute, and by cutting it into parts. glanced is false where
// the first does not do.
func LookBothWays(ctx context.Context, l *Library, name archive.StreamName, span archive.Span) (glance, whole string, glanced bool, err error) {
	v, err := l.View(ctx, name, span.End)
	if err != nil {
		return "", "", false, err
	}
	sections, outline, err := l.Sections(ctx, v, span)
	if err != nil {
		return "", "", false, err
	}
	found := l.Join(span, sections, outline)
	text := func(f *looked) string {
		return fmt.Sprint(f.stamp, f.listed, f.fragments, f.first, f.media, f.calls, f.planned, f.key, f.lone, f.settled)
	}
	if len(found.Fragments) > 0 {
		f, _ := l.lookedAt(v.Stream, l.detailOf(v.Stream, found, span.Length()), found.Stamp, span)
		whole = text(f)
	}
	f, glanced := l.glance(v.Stream, span, sections, outline)
	if glanced {
		glance = text(f)
	}
	return glance, whole, glanced, nil
}

// ForgetMinutes has the next look-up sum up hours by the minute again.
func ForgetMinutes(l *Library) { l.hours.Purge() }

// Remark notes a sentence about what is unusual in a clip.
func Remark(c *Clip, sentence string) { c.remark(sentence) }

// SetJoinVersion has a library join as another version of join.Make would.
func SetJoinVersion(l *Library, version int) { l.joinVersion = version }

// ShownPictures gives the position of a file's first frame, and of all its pictures.
func ShownPictures(file []byte) (begin time.Duration, at []time.Duration, err error) {
	for box, err := range mp4.Children(file) {
		if err != nil || box.Type != mp4.TypeMoov {
			continue
		}
		movie, err := mp4.ParseMovie(box.Raw)
		if err != nil {
			return 0, nil, err
		}
		shown, err := match.PicturesOf(movie)
		for _, p := range shown.All {
			at = append(at, p.Position())
		}
		return shown.Begin, at, err
	}
	return 0, nil, io.ErrUnexpectedEOF
}
