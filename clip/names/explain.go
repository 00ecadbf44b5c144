package names

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// The right forms, as they are explained.
const (
	lengthForm  = "lengths are written 10m, 1h30m, up to 24h"
	startForm   = "starts are written 2024-01-01, 2024-01-01T10, 2024-01-01T10:00 or 20240101T1000"
	placeForm   = "clips are in the directory of a start, 2024-01-01T10:00/10m.mp4, or in last/"
	runForm     = "runs are written 2024-01-01T10:03:12.400-41m7s.mp4"
	fileForm    = "clips end in .mp4, what is known of them in .json"
	segmentForm = "positions of segments are written 6s.pts36000000.ts, in milliseconds"
	wordForm    = "clipfs path prints the name of what is meant"
)

// ExplainStart says in one sentence what is wrong with a name in the directory of a stream that is meant as a time or as a still and is
// none. It is "" for other names: programs look for some wherever they are (.hidden, desktop.ini).
func (g Grammar) ExplainStart(name string) string {
	if text, ok := g.explainStill(name); ok {
		return text
	}
	return g.explainStart(name)
}

// explainStart is ExplainStart without stills.
func (g Grammar) explainStart(name string) string {
	if stem, ours, _ := g.cutLoosely(name); ours && meantAsLength(strings.TrimSuffix(stem, coverMark)) {
		return placeForm
	}
	_, err := g.ParseStart(name)
	switch {
	case err == nil || !meantAsTime(name):
		return ""
	case isTimeWord(name):
		return startForm + "; " + wordForm
	}
	return withReason(err, startForm)
}

// ExplainFile is ExplainStart for a name in the directory of a start: of a clip, of what is known of one, or of a finer
// start. Pictures are not explained there: players look for one beside each clip (10m.jpg).
func (g Grammar) ExplainFile(start archive.Start, name string) string {
	if _, err := g.ParseFile(start, name); err == nil {
		return ""
	}
	if inner, err := g.ParseStart(name); err == nil {
		if g.Period(start).Contains(inner.Time) {
			return "" // as fine as the directory, or coarser
		}
		return fmt.Sprintf("it is not in %s", g.FormatStart(start.Time, start.Precision))
	}
	stem, ours, video := g.cutLoosely(name)
	stem = strings.TrimSuffix(stem, coverMark)
	if g.misplaced(name) {
		return segmentForm
	}
	switch {
	case !ours && !video:
		return g.explainStart(name)
	case stem == "" || strings.HasPrefix(stem, "."):
		return ""
	}
	if _, err := ParseLength(stem); err == nil { // 10m.MP4, 10m.mkv
		return fileForm
	}
	if end, err := g.ParseStart(stem); err == nil {
		if video {
			return fileForm
		}
		return fmt.Sprintf("its end, %s, is not within 24 h after %s", g.FormatStart(end.Time, end.Precision), g.FormatStart(start.Time, start.Precision))
	}
	if meantAsLength(stem) {
		_, err := ParseLength(stem)
		return withReason(err, lengthForm)
	}
	return g.explainStart(stem)
}

// ExplainLast is ExplainStart for a name in the directory of clips that end with the newest footage.
func (g Grammar) ExplainLast(name string) string {
	if _, err := g.ParseLast(name); err == nil {
		return ""
	}
	stem, ours, video := g.cutLoosely(name)
	stem = strings.TrimSuffix(stem, coverMark)
	if g.misplaced(name) {
		return segmentForm
	}
	if _, err := ParseLength(stem); err == nil {
		if ours || video {
			return fileForm
		}
		return ""
	}
	if meantAsLength(stem) || ours && meantAsTime(stem) {
		return lengthForm
	}
	return ""
}

// ExplainRun is ExplainStart for a name in the directory of a day's runs.
func (g Grammar) ExplainRun(day archive.Start, name string) string {
	stem, ours, video := g.cutLoosely(name)
	if _, err := g.ParseRun(day, name); err == nil || !ours && !video {
		return ""
	}
	if !meantAsTime(stem[:max(0, strings.LastIndexByte(stem, '-'))]) && !meantAsLength(stem) {
		return ""
	}
	return runForm
}

// misplaced reports whether a name is that of a segment whose position is none.
func (g Grammar) misplaced(name string) bool {
	_, _, _, err := cutMarks(g.cutFile(name))
	return err != nil && !strings.HasPrefix(name, ".")
}

// withReason puts the reason of an error, if it has one, before the right form.
func withReason(err error, form string) string {
	if why, ok := errors.AsType[*nameError](err); ok {
		return why.reason + "; " + form
	}
	return form
}

// cutLoosely splits the name of a file. ours says that it ends as our files do, video that it ends as other videos do, or as
// ours do in capitals.
func (g Grammar) cutLoosely(name string) (stem string, ours, video bool) {
	if stem, form := g.cutFile(name); form != "" {
		if form == Segment {
			stem, _, _ = strings.Cut(stem, positionMark)
		}
		return stem, true, false
	}
	at := strings.LastIndexByte(name, '.')
	if at < 0 {
		return name, false, false
	}
	switch strings.ToLower(name[at:]) {
	case ".mp4", ".json", ".m4v", ".mkv", ".mov", ".avi", ".webm", ".ts", ".mpg", ".mpeg":
		return name[:at], false, true
	}
	return name, false, false
}

// meantAsTime reports whether a name is a word for a time, or digits with what stands between the fields of times.
func meantAsTime(name string) bool {
	if isTimeWord(name) {
		return true
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(name, "T"), "t")
	digits := 0
	for _, c := range rest {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case strings.ContainsRune("-:.,+_/ TtZzhm", c):
		case strings.ContainsRune("aApPM", c): // am, pm
		default:
			return false
		}
	}
	return digits > 0 && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

func isTimeWord(name string) bool {
	word := strings.ToLower(strings.TrimSpace(name))
	if at := strings.IndexAny(word, " -_T0123456789.,"); at > 0 {
		word = word[:at]
	}
	switch word {
	case "now", "today", "yesterday", "tomorrow", "tonight", "noon", "midnight":
		return true
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if full := strings.ToLower(day.String()); word == full || word == full[:3] {
			return true
		}
	}
	return false
}

// meantAsLength reports whether a name is numbers, with or without words for units.
func meantAsLength(name string) bool {
	numbers := 0
	rest := strings.ToLower(strings.ReplaceAll(name, " ", ""))
	for rest != "" {
		after := strings.TrimLeft(rest, "0123456789.,")
		if len(after) == len(rest) {
			return false
		}
		numbers++
		word := after[:len(after)-len(strings.TrimLeft(after, "abcdefghijklmnopqrstuvwxyz"))]
		switch word {
		case "", "w", "d", "h", "m", "s", "ms", "sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes",
			"hr", "hrs", "hour", "hours", "day", "days", "week", "weeks":
		default:
			return false
		}
		rest = after[len(word):]
	}
	return numbers > 0
}
