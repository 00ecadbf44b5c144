package form

import (
	"fmt"
	"slices"
	"strings"
)

// Form is one way in which a payload is odd.
type Form string

// The forms: see Table.
const (
	Mdats      Form = "mdats"
	MdatZero   Form = "mdat0"
	MoovLast   Form = "moov-last"
	Truncated  Form = "truncated"
	Fragmented Form = "moof"
	Edits      Form = "edits"
	Mvex       Form = "mvex"
	Sound      Form = "sound"
	Video      Form = "video"
	Pasp       Form = "pasp"
	Colr       Form = "colr"
	Compressor Form = "compressor"
	Offsets    Form = "offsets"
	Before     Form = "before"
	After      Form = "after"
	Fewer      Form = "fewer"
	Twice      Form = "twice"
	Joint      Form = "joint"
)

// Entry is a form and what it does.
type Entry struct {
	Form Form
	Help string
}

// Table gives all forms, in the order in which they are told to people.
func Table() []Entry {
	return []Entry{
		{Mdats, "the media lies in several mdat boxes"},
		{MdatZero, "the size of mdat is 0, to the end of the file"},
		{MoovLast, "moov stands behind the media"},
		{Truncated, "mdat0, and the body ends after 60% of the media"},
		{Fragmented, "a file in movie fragments (moof)"},
		{Edits, "two contiguous edits a track"},
		{Mvex, "a box mvex, though there are no movie fragments"},
		{Sound, "a second sound track, with samples like those of the first"},
		{Video, "a second video track, with samples like those of the first"},
		{Pasp, "a pixel aspect ratio of 1 that is written differently each minute of footage"},
		{Colr, "colors that are declared differently each minute of footage"},
		{Compressor, "a compressor name that is different each minute of footage"},
		{Offsets, "times of decoding as x264 sets them: with B-frames and a variable frame rate the first differs from clip to clip"},
		{Before, "the fragment before the range, too"},
		{After, "the fragment after the range, too"},
		{Fewer, "the last fragment is missing, unless it is the only one"},
		{Twice, "the first frames come twice, once ahead of their time"},
		{Joint, "the first audio frame of the next fragment at the end"},
	}
}

// Set is the forms that a payload has.
type Set []Form

// Parse reads FORM[,FORM…]; empty is none. An error names what cannot be had, alone or together.
func Parse(s string) (Set, error) {
	var set Set
	if s == "" {
		return nil, nil
	}
	for name := range strings.SplitSeq(s, ",") {
		f := Form(strings.TrimSpace(name))
		if !slices.ContainsFunc(Table(), func(e Entry) bool { return e.Form == f }) {
			return nil, fmt.Errorf("payload form %q: want one of %s", name, names())
		}
		if !set.Has(f) {
			set = append(set, f)
		}
	}
	for _, pair := range [][2]Form{{MoovLast, MdatZero}, {MoovLast, Truncated}, {Fragmented, Mdats}, {Fragmented, MdatZero},
		{Fragmented, MoovLast}, {Fragmented, Truncated}, {Fragmented, Mvex}} {
		if set.Has(pair[0]) && set.Has(pair[1]) {
			return nil, fmt.Errorf("payload forms %s and %s exclude each other", pair[0], pair[1])
		}
	}
	return set, nil
}

// names lists all forms for people.
func names() string {
	var all []string
	for _, e := range Table() {
		all = append(all, string(e.Form))
	}
	return strings.Join(all, ", ")
}

// Has reports whether a form is in the set.
func (s Set) Has(f Form) bool { return slices.Contains(s, f) }

// String gives the set as Parse takes it.
func (s Set) String() string {
	all := make([]string, len(s))
	for i, f := range s {
		all[i] = string(f)
	}
	return strings.Join(all, ",")
}

// Reshapes reports whether a form changes boxes, so that Reshape has something to do.
func (s Set) Reshapes() bool {
	return slices.ContainsFunc(s, func(f Form) bool { return !slices.Contains([]Form{Before, After, Fewer, Twice, Joint}, f) })
}

// Options say how a file is reshaped.
type Options struct {
	Forms Set
	// Session is different for footage of which sample entries differ (Pasp, Colr, Compressor).
	Session int64
	// Syncs are the sync samples of the video, from 1; nil leaves them as they are.
	Syncs []uint32
}
