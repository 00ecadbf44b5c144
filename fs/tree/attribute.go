package tree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/timeline"
)

// attributeTime is RFC 3339 to the millisecond, always UTC.
const attributeTime = "2006-01-02T15:04:05.000Z"

// formatTime writes a time as attributes have it.
func formatTime(t time.Time) string { return t.UTC().Format(attributeTime) }

// fixed is an attribute of a value that is known.
func fixed(name, value string) Attribute {
	return Attribute{Name: name, Value: func(context.Context) (string, error) { return value, nil }}
}

// clipAttributes are those of what a form made of a clip. Only missing may cost a listing.
func clipAttributes(c *clip.Clip, of made) []Attribute {
	failure := c.Err()
	if of.err != nil {
		failure = cmp.Or(failure, of.err())
	}
	all := []Attribute{
		fixed("stream", string(c.Stream())),
		fixed("start", formatTime(c.Span().Start)),
		fixed("end", formatTime(c.Span().End)),
		fixed("first", formatTime(c.First())),
		fixed("fragments", strconv.Itoa(c.Fragments())),
		fixed("size", sizeKind(c, of.content)),
	}
	for _, a := range [][2]string{{"progress", c.Opening()}, {"error", message(failure)}, {"note", strings.Trim(c.Note()+"\n"+of.notes, "\n")}} {
		if a[1] != "" {
			all = append(all, fixed(a[0], a[1]))
		}
	}
	return append(all, Attribute{Name: "missing", Value: func(ctx context.Context) (string, error) {
		bytes, err := c.Missing(ctx)
		return strconv.FormatInt(bytes, 10), err
	}})
}

// sizeKind says whether the size is known, and how long an open will wait for it where the service's quota makes it
// wait.
func sizeKind(c *clip.Clip, form content) string {
	if _, exact := form.Size(); exact {
		return "exact"
	}
	if wait := c.OpenWait(); wait > 0 {
		return fmt.Sprintf("estimate, opening takes about %s", wait.Round(100*time.Millisecond))
	}
	return "estimate"
}

// ofFootage is an attribute of a directory, made of the footage that it stands for. One without footage has none.
func ofFootage(name string, footage func(context.Context) (timeline.Footage, error), format func(timeline.Footage) string) Attribute {
	return Attribute{Name: name, Value: func(ctx context.Context) (string, error) {
		f, err := footage(ctx)
		if errors.Is(err, archive.ErrNoFootage) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return format(f), nil
	}}
}

// edges are when the first and the last fragment of a directory start.
func edges(footage func(context.Context) (timeline.Footage, error)) []Attribute {
	return []Attribute{
		ofFootage("first", footage, func(f timeline.Footage) string { return formatTime(f.First) }),
		ofFootage("last", footage, func(f timeline.Footage) string { return formatTime(f.Last) }),
	}
}

// listingError is why a directory of a stream lists nothing, as far as that is known without a call.
func (s *source) listingError(stream archive.StreamName) Attribute {
	return Attribute{Name: "error", Unlisted: true, Value: func(context.Context) (string, error) {
		return message(s.library.Denied(stream)), nil
	}}
}

// message is the text of an error; empty for none.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
