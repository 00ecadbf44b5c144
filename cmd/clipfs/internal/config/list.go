package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// list is a flag with several words. The first value that it is given replaces the default, later ones are added.
type list struct {
	kind, none string
	get        func() []string
	put        func([]string) error
	set        bool
}

var _ pflag.SliceValue = (*list)(nil)

// List makes a flag of several words, which commas, colons (as in fstab) or ends of lines part. get gives the words that there
// are, put checks and keeps others. An empty list is shown as none.
func List(kind, none string, get func() []string, put func([]string) error) pflag.Value {
	return &list{kind: kind, none: none, get: get, put: put}
}

func (l *list) String() string        { return cmp.Or(strings.Join(l.get(), ","), l.none) }
func (l *list) Type() string          { return l.kind }
func (l *list) Append(s string) error { return l.Set(s) }
func (l *list) GetSlice() []string    { return slices.Clone(l.get()) }

func (l *list) Set(s string) error {
	var words []string
	if l.set {
		words = l.GetSlice()
	}
	for word := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == ',' || c == ':' || c == '\n' }) {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	if err := l.put(words); err != nil {
		return err
	}
	l.set = true
	return nil
}

func (l *list) Replace(all []string) error {
	l.set = false
	return l.Set(strings.Join(all, "\n"))
}
