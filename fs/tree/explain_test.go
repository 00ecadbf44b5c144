package tree_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/fs/tree"
)

// TestExplainedOnce: a name is explained once an hour, and a program that tries names does not fill the log.
func TestExplainedOnce(t *testing.T) {
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("%dmin.mp4", i))
	}
	for _, test := range []struct {
		what        string
		names       []string
		every       time.Duration
		least, most int
	}{
		{"one name, again and again", slices.Repeat([]string{"10min.mp4"}, 1000), time.Second, 1, 1},
		{"one name, for half a day", slices.Repeat([]string{"10min.mp4"}, 720), time.Minute, 12, 13},
		{"many names at once", many, time.Millisecond, 20, 21},
		{"many names, one by one", many[:50], 10 * time.Second, 50, 50},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			tree.Explain(slog.New(slog.NewTextHandler(&log, nil)), test.names, test.every)
			if n := bytes.Count(log.Bytes(), []byte("\n")); n < test.least || n > test.most {
				t.Errorf("%s: %d lines, want %d to %d", test.what, n, test.least, test.most)
			}
		})
	}
}
