package redact_test

import (
	"strings"
	"testing"

	"clipfs/clip/kvs/redact"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"  plain text ":          "plain text",
		"one\ntwo":               "one",
		"a\x1b[31mb\x00":         "a [31mb",
		strings.Repeat("é", 400): strings.Repeat("é", 256) + "…",
	} {
		if got := redact.Line(in); got != want {
			t.Errorf("Line(%q): got %q, want %q", in, got, want)
		}
	}
}
