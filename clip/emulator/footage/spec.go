package footage

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Spec is what one flag --stream says.
type Spec struct {
	// Name of the stream.
	Name string
	// File is the media file, or empty for the test card.
	File string
	// Start is the time of the first frame; zero where none was given.
	Start time.Time
	// Loop repeats the file, NoStamp leaves out the stamp in what is repeated.
	Loop, NoStamp bool
}

// ErrSpec says that the flag --stream cannot be understood.
var ErrSpec = errors.New("want NAME=FILE[@START][,loop][,nostamp] or NAME=testcard[,nostamp]")

// testCardName stands for the test card where a file is due.
const testCardName = "testcard"

// ParseSpec reads NAME=FILE[@START][,loop][,nostamp] or NAME=testcard[,nostamp].
//
// It is read from both ends, so that FILE may have any character in it: NAME goes up to the first "=", ",loop" and
// ",nostamp" are taken off the end for as long as there are any, and what then follows the last "@" is START if it is a
// time; if not, the "@" is part of FILE. So a file whose name ends like a time or an option needs one more behind it. A
// file called testcard is ./testcard. START is ISO 8601: a date, or a date and a time down to hours, minutes, seconds or
// fractions of them, with "Z" or an offset, else in UTC; the basic format, 20240101T100000Z, too.
func ParseSpec(s string) (Spec, error) {
	name, rest, ok := strings.Cut(s, "=")
	if !ok || !regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,256}$`).MatchString(name) {
		return Spec{}, fmt.Errorf("stream %q: %w", s, ErrSpec)
	}
	spec := Spec{Name: name}
	for {
		if cut, found := strings.CutSuffix(rest, ",loop"); found {
			rest, spec.Loop = cut, true
		} else if cut, found := strings.CutSuffix(rest, ",nostamp"); found {
			rest, spec.NoStamp = cut, true
		} else {
			break
		}
	}
	if rest == testCardName {
		spec.Loop = true
		return spec, nil
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		if start, ok := ParseStart(rest[i+1:]); ok {
			rest, spec.Start = rest[:i], start
		}
	}
	if rest == "" {
		return Spec{}, fmt.Errorf("stream %q: no file: %w", s, ErrSpec)
	}
	spec.File = rest
	return spec, nil
}

// ParseStart reads an instant as it stands in a Spec, UTC where it does not say.
func ParseStart(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15", "2006-01-02", "20060102T150405",
		"20060102T1504"} {
		for _, zone := range []string{"", "Z07:00", "Z0700"} {
			if t, err := time.Parse(layout+zone, s); err == nil {
				return t.UTC(), true
			}
		}
	}
	return time.Time{}, false
}

// Open reads the footage. A recording without a start ends at now; a loop without one has always been there, aligned to
// 1970, so the test card is aligned to the minute.
func (s Spec) Open(ctx context.Context, now time.Time) (Source, error) {
	if s.File == "" {
		media, err := TestCard()
		if err != nil {
			return nil, err
		}
		return NewLoop(media, time.Unix(0, 0), Options{NoStamp: s.NoStamp}), nil
	}
	media, err := ReadFile(ctx, s.File)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", s.Name, err)
	}
	start := s.Start
	switch {
	case s.Loop && start.IsZero():
		start = time.Unix(0, 0)
	case start.IsZero():
		start = now.Add(-media.Duration())
	}
	if s.Loop {
		return NewLoop(media, start, Options{NoStamp: s.NoStamp}), nil
	}
	return NewRecording(media, start), nil
}

// ParseWord reads what a flag takes of some words: the place of s among them. An error says what it is of, and lists them.
func ParseWord[T ~int](what, s string, words ...string) (T, error) {
	if i := slices.Index(words, s); i >= 0 {
		return T(i), nil
	}
	last := len(words) - 1
	return 0, fmt.Errorf("%s %q: want %s or %s", what, s, strings.Join(words[:last], ", "), words[last])
}
