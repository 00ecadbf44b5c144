package names

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// Listed says what directories list; what they do not list resolves all the same. The zero value is the default: down to
// minutes, ListedLengths in those, an hour in its hour, each clip with its sidecar, and last and latest.
type Listed struct {
	words []string
	// finest are the directories that have none below them.
	finest archive.Precision
	// lengths are those that were named. own says that there are none: the finest directories list themselves as one clip.
	lengths []time.Duration
	own     bool
	forms   []Form
	// dirs are the directories of a day that were named; dirsOnly says that days list nothing else.
	dirs     []string
	dirsOnly bool
}

// ParseListed reads words:
//
//	minutes hours days   the finest directories that are listed (default minutes)
//	1m 10m 24h …         lengths that those list. Without any, and with one of the words above, each lists itself as one clip,
//	                     so that a walk meets each moment once
//	mp4 json             the forms of files, of those that can be listed (default mp4)
//	runs                 a directory that days have and do not list, of those that can be listed. Without minutes, hours, days
//	                     or lengths they list nothing else, so that a walk meets each moment once
//
// No words are the default. An unknown word is an error.
func ParseListed(words []string, forms []Form, dirs ...string) (Listed, error) {
	if len(words) == 0 {
		return Listed{}, nil
	}
	l := Listed{words: slices.Clone(words)}
	finest := map[string]archive.Precision{"minutes": archive.Minute, "hours": archive.Hour, "days": archive.Day}
	named := ""
	for _, word := range words {
		if p, ok := finest[word]; ok {
			if named != "" && named != word {
				return Listed{}, fmt.Errorf("%s and %s: want one of minutes, hours and days", named, word)
			}
			l.finest, named = p, word
			continue
		}
		if length, err := ParseLength(word); err == nil {
			l.lengths = append(l.lengths, length)
			continue
		}
		if slices.Contains(dirs, word) {
			l.dirs = append(l.dirs, word)
			continue
		}
		if !slices.Contains(forms, Form("."+word)) {
			return Listed{}, fmt.Errorf("%q: want minutes, hours or days, lengths such as 10m, and extensions: %s", word,
				strings.Join(append(extensions(forms), dirs...), ", "))
		}
		l.forms = append(l.forms, Form("."+word))
	}
	if named == "" {
		l.finest = archive.Minute
	}
	l.own = named != "" && len(l.lengths) == 0
	if l.dirsOnly = len(l.dirs) > 0 && named == "" && len(l.lengths) == 0; l.dirsOnly {
		l.finest = archive.Day
	}
	if len(l.forms) == 0 {
		l.forms = []Form{Movie}
	}
	if len(l.lengths) == 0 {
		l.lengths = ListedLengths()
	}
	slices.Sort(l.lengths)
	l.lengths = slices.Compact(l.lengths)
	return l, nil
}

// extensions names those of some forms.
func extensions(forms []Form) []string {
	var all []string
	for _, f := range forms {
		all = append(all, strings.TrimPrefix(string(f), "."))
	}
	return all
}

// Words are what it was parsed from.
func (l Listed) Words() []string { return slices.Clone(l.words) }

// Default reports whether it is the zero value.
func (l Listed) Default() bool { return len(l.words) == 0 }

// Lists reports whether files of a form are listed. byDefault says whether the default lists them.
func (l Listed) Lists(f Form, byDefault bool) bool {
	return l.Default() && byDefault || slices.Contains(l.forms, f)
}

// ListsWhole reports whether a day or an hour lists a file of a form that is listed there by default: that of the clip of all of
// it. Directories that list themselves as one clip do so in the forms that were named, and those above them do not.
func (l Listed) ListsWhole(f Form) bool {
	return l.Default() || !l.own && !l.dirsOnly && slices.Contains(l.forms, f)
}

// Finer reports whether a directory of a precision lists directories below it.
func (l Listed) Finer(p archive.Precision) bool {
	return p < archive.Minute && (l.Default() || p < l.finest)
}

// ListsDir reports whether days list a directory that was named, and only whether they list nothing else.
func (l Listed) ListsDir(name string) (listed, only bool) {
	return slices.Contains(l.dirs, name), l.dirsOnly
}

// Lengths are those that the directory of a start lists, where its clip has footage. period is what the directory stands for.
func (l Listed) Lengths(p archive.Precision, period time.Duration) []time.Duration {
	period = min(period, archive.MaxSpan)
	switch {
	case l.Default() && p == archive.Day, l.dirsOnly:
		return nil
	case l.Default() && p == archive.Hour: // one that is longer because clocks go back in it as a whole too
		return slices.Compact([]time.Duration{time.Hour, max(time.Hour, period)})
	case l.Default():
		return ListedLengths()
	case l.own && p == l.finest:
		return []time.Duration{period}
	case l.own:
		return nil
	case p < l.finest:
		return slices.DeleteFunc(slices.Clone(l.lengths), func(length time.Duration) bool { return length != period })
	}
	return slices.Clone(l.lengths)
}
