package main

import (
	"slices"
	"strings"

	"clipfs/clip"

	"github.com/spf13/pflag"
)

// listed is a flag that says what directories list. What it is set to replaces the default, and what it is set to after that is
// added, as with other lists.
type listed struct{ clip clip.Listed }

var _ pflag.SliceValue = (*listed)(nil)

// String implements pflag.Value.
func (v *listed) String() string { return strings.Join(v.clip.Words(), ",") }

// Set implements pflag.Value. Words are parted by commas, by colons as in fstab, or by ends of lines.
func (v *listed) Set(s string) error {
	words := v.clip.Words()
	for word := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == ',' || c == ':' || c == '\n' }) {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	parsed, err := clip.ParseListed(words)
	if err != nil {
		return err
	}
	v.clip = parsed
	return nil
}

// Append implements pflag.SliceValue.
func (v *listed) Append(s string) error { return v.Set(s) }

// Replace implements pflag.SliceValue.
func (v *listed) Replace(all []string) error {
	*v = listed{}
	return v.Set(strings.Join(all, "\n"))
}

// GetSlice implements pflag.SliceValue.
func (v *listed) GetSlice() []string { return v.clip.Words() }

// Type implements pflag.Value.
func (v *listed) Type() string { return "words" }
