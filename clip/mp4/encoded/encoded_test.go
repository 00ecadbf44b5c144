package encoded_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipfs/clip/mp4/encoded"
)

// program is an ffmpeg that writes its arguments but the last into the file that is the last, counts how often it was run, and does
// as one of them says.
const program = `#!/bin/sh
echo run >>"$0.log"
for path; do :; done
case "$*" in *complain*) echo oh >&2;; esac
case "$*" in *fail*) exit 1;; esac
echo "$*" >"$path"
`

// setUp makes a program and a directory of caches, in which there are tools of the tests or not, and gives how often the program
// has been run.
func setUp(t *testing.T, tools bool) (runs func() int) {
	t.Helper()
	bin, cache := t.TempDir(), t.TempDir()
	path := filepath.Join(bin, "ffmpeg")
	if err := os.WriteFile(path, []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if tools {
		if err := os.Mkdir(filepath.Join(cache, "clipfs-ci"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", cache)
	return func() int {
		text, _ := os.ReadFile(path + ".log") // there is none before the first run
		return strings.Count(string(text), "run\n")
	}
}

// makeFile makes a file in a directory of its own and gives what is in it.
func makeFile(t *testing.T, name string, args ...string) (content string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	_, err = encoded.File(t.Context(), path, args...)
	text, _ := os.ReadFile(path) // which may not be there, as the error says
	return string(text), err
}

// TestFile: a file is made once of the same arguments, files, name and program, and is not that which was kept.
func TestFile(t *testing.T) {
	runs := setUp(t, true)
	input := filepath.Join(t.TempDir(), "input")
	write := func(text string) {
		if err := os.WriteFile(input, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	made := map[string]string{}
	for i, test := range []struct {
		key, name string
		args      []string
		runs      int
		before    func()
	}{
		{key: "a", name: "a.mp4", args: []string{"-x", "1"}, runs: 1},
		{key: "a", name: "a.mp4", args: []string{"-x", "1"}, runs: 1},
		{key: "b", name: "a.mp4", args: []string{"-x 1"}, runs: 2},
		{key: "c", name: "a.mkv", args: []string{"-x", "1"}, runs: 3},
		{key: "d", name: "a.mp4", args: []string{"-i", input}, runs: 4},
		{key: "d", name: "a.mp4", args: []string{"-i", input}, runs: 4},
		{key: "e", name: "a.mp4", args: []string{"-i", input}, runs: 5, before: func() { write("two") }},
		{key: "b", name: "a.mp4", args: []string{"-x 1"}, runs: 5},
	} {
		if test.before != nil {
			test.before()
		}
		content, err := makeFile(t, test.name, test.args...)
		if err != nil || content == "" || runs() != test.runs {
			t.Errorf("%d: %q, %v, after %d runs, want %d", i, content, err, runs(), test.runs)
		}
		if had, ok := made[test.key]; ok && had != content {
			t.Errorf("%d: %q, before %q", i, content, had)
		}
		made[test.key] = content
	}
	path := filepath.Join(t.TempDir(), "a.mp4")
	if _, err := encoded.File(t.Context(), path, "-x", "1"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if content, err := makeFile(t, "a.mp4", "-x", "1"); err != nil || content != made["a"] {
		t.Errorf("after a copy was damaged: %q, %v", content, err)
	}
}

// TestNotKept: what fails, what is complained of, and where there are no tools of the tests.
func TestNotKept(t *testing.T) {
	for _, test := range []struct {
		name, arg   string
		tools, fine bool
		said        string
	}{
		{"fails", "fail", true, false, ""},
		{"complains", "complain", true, true, "oh\n"},
		{"no tools", "-x", false, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			runs := setUp(t, test.tools)
			for n := range 2 {
				said, err := encoded.File(t.Context(), filepath.Join(t.TempDir(), "a.mp4"), test.arg)
				if (err == nil) != test.fine || string(said) != test.said || runs() != n+1 {
					t.Errorf("%q, %v, after %d runs", said, err, runs())
				}
			}
		})
	}
}
