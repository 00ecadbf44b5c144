package form_test

import (
	"bytes"
	"testing"

	"clipfs/clip/emulator/form"
)

func TestParse(t *testing.T) {
	var all form.Set
	for _, e := range form.Table() {
		set, err := form.Parse(string(e.Form))
		if err != nil || set.String() != string(e.Form) || e.Help == "" {
			t.Errorf("%s: %v, %v", e.Form, set, err)
		}
		all = append(all, e.Form)
	}
	if _, err := form.Parse(all.String()); err == nil {
		t.Error("all forms at once are taken")
	}
	tests := []struct {
		in, want string
		reshapes bool
	}{
		{"", "", false},
		{" mdats , edits", "mdats,edits", true},
		{"twice,twice,joint", "twice,joint", false},
		{"before,mdat0", "before,mdat0", true},
	}
	for _, tt := range tests {
		set, err := form.Parse(tt.in)
		if err != nil || set.String() != tt.want || set.Reshapes() != tt.reshapes {
			t.Errorf("%q: %q, reshapes %t, %v", tt.in, set, set.Reshapes(), err)
		}
	}
	for _, in := range []string{"x", "mdats,,edits", "truncated,moov-last", "moof,mvex"} {
		if set, err := form.Parse(in); err == nil {
			t.Errorf("%q: %v, want an error", in, set)
		}
	}
}

// What is no plain file is an error.
func TestReshapeErrors(t *testing.T) {
	for _, in := range []string{"", "short", "\x00\x00\x00\x08ftyp", "\x00\x00\x00\x08ftyp\x00\x00\x00\x08moov", "\x00\x00\x00\xffmoov",
		"\x00\x00\x00\x08moov\x00\x00\x00\x09mdatx", "\x00\x00\x00\x10moov\x00\x00\x00\x07trak\x00\x00\x00\x09mdatx"} {
		if _, err := form.Reshape(bytes.NewReader([]byte(in)), int64(len(in)), form.Options{Forms: form.Set{form.Edits}}); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
}
