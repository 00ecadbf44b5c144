package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// top and below use each other, by a method and by a variable; both use end, where only what is of package level counts. The
// command, the tests and fake, which at most tests import, do not count.
var module = map[string]string{
	"go.mod":         "module example\n\ngo 1.26\n",
	"room/top.go":    "package room\n\ntype Top struct{ n int }\n\nfunc (t Top) Up() { below(t); end() }\n",
	"room/below.go":  "package room\n\nvar all []Top\n\nfunc below(t Top) { t.Up(); all = append(all, t); end(); end() }\n",
	"room/end.go":    "package room\n\nfunc end() int { end := field{n: 1}; return end.n }\n\ntype field struct{ n int }\n",
	"room/x_test.go": "package room\n\nvar _ = end\n",
	"cmd/main.go":    "package main\n\nimport _ \"example/room\"\n\nfunc main() {}\n",
	"fake/fake.go":   "package fake\n\nfunc A() { b() }\n",
	"fake/other.go":  "package fake\n\nfunc b() { A() }\n",
}

func TestRooms(t *testing.T) {
	program := filepath.Join(t.TempDir(), "rooms")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	header, row := `package +files +lines +arrows +back\n`, `room +3 +15 +4 +1\n`
	for _, test := range []struct {
		name, ceilings string
		args           []string
		want           string // a pattern of all output
		left           string // of the list, with -write
	}{
		{name: "over", want: header + row + `rooms: room has 1 of its 4 arrows running back up, which may be 0\n`},
		{name: "not worse than it was", ceilings: "room 3 15 4 1\n", want: header + row},
		{
			name: "named", ceilings: "room 3 15 4 1\n", args: []string{"-back", "1", "./room"},
			want: header + row + ` +top.go -> below.go: below\n +order: below top end\n`,
		},
		{
			name: "lowered", ceilings: "gone 1 1 1 1\nroom 9 9 9 9\n", args: []string{"-write"}, want: header + row,
			left: "room +3 +15 +4 +1\n",
		},
		{name: "never raised", ceilings: "room 9 9 9 0\n", args: []string{"-write"}, want: header + row + `rooms: .*\n`, left: "room +9 +9 +9 +0\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range module {
				write(t, filepath.Join(dir, name), text)
			}
			ceilings := filepath.Join(dir, ".ci/rooms/ceilings")
			write(t, ceilings, test.ceilings)
			command := exec.Command(program, test.args...)
			command.Dir = dir
			out, err := command.CombinedOutput()
			if !regexp.MustCompile(`\A` + test.want + `\z`).Match(out) {
				t.Errorf("got %s, want %s", out, test.want)
			}
			if failed := strings.Contains(test.want, "rooms:"); failed != (err != nil) {
				t.Errorf("got %v, want failure %v", err, failed)
			}
			left, err := os.ReadFile(ceilings)
			if err != nil {
				t.Fatal(err)
			}
			if test.left != "" && !regexp.MustCompile(`\A#.*\n`+test.left+`\z`).Match(left) {
				t.Errorf("got the list %s, want %s", left, test.left)
			}
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
