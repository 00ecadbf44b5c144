package main_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// top is the root of the repository, from here.
const top = "../.."

// documents gives the text of each page in the repository, by its path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != top:
			return fs.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(top, path)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLinks: what a page links to is there, and a heading where it names one. The front page is short.
func TestLinks(t *testing.T) {
	all := documents(t)
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, name := range []string{"README.md", "cmd/README.md", "cmd/clipfs/README.md", "cmd/clipbench/README.md", "fs/README.md", "clip/README.md", "clip/emulator/README.md"} {
		if all[name] == "" {
			t.Errorf("no page %s", name)
		}
	}
	const frontPage = 8 << 10
	if n := len(all["README.md"]); n > frontPage {
		t.Errorf("the front page has %d bytes, of %d at most", n, frontPage)
	}
	for name, text := range all {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, heading, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue // what is elsewhere is not looked at
			}
			path := filepath.Join(filepath.Dir(name), target)
			if target == "" {
				path = name
			}
			if _, err := os.Stat(filepath.Join(top, path)); err != nil {
				t.Errorf("%s links to %s: %v", name, match[1], err)
			}
			if heading != "" && !slices.Contains(headings(all[path]), heading) {
				t.Errorf("%s links to %s, and %s has no such heading", name, match[1], path)
			}
		}
	}
}

// headings gives the anchors of a page's headings.
func headings(text string) []string {
	var all []string
	odd := regexp.MustCompile(`[^a-z0-9 _-]`)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			all = append(all, strings.ReplaceAll(odd.ReplaceAllString(title, ""), " ", "-"))
		}
	}
	return all
}

// TestCommandsOfDocuments: clipfs takes the arguments of every command that a page shows.
func TestCommandsOfDocuments(t *testing.T) {
	seen := 0
	for name, text := range documents(t) {
		for line := range strings.Lines(text) {
			line, isCode := strings.CutPrefix(line, "    ")
			if !isCode {
				continue
			}
			line, _, _ = strings.Cut(line, "  #")
			words := shellWords(strings.TrimSpace(line))
			for len(words) > 0 && strings.Contains(words[0], "=") { // variables
				words = words[1:]
			}
			if len(words) < 2 || words[0] != "clipfs" {
				continue
			}
			seen++
			words = slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "[") || strings.HasSuffix(w, "]") })
			if code, _, stderr := invoke(t, append(words, "--help")...); code != 0 {
				t.Errorf("%s: clipfs %q: exit code %d, %s", name, words, code, stderr)
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d commands seen; there are more", seen)
	}
}

// shellWords parts a line as a shell does, as far as pages need it.
func shellWords(line string) []string {
	var words []string
	for _, match := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		words = append(words, match[1]+match[2]+match[3])
	}
	return words
}

// TestFlagsOfDocuments: the page about operating has a row for each flag of mount, with its default, and no others.
func TestFlagsOfDocuments(t *testing.T) {
	text := documents(t)["cmd/clipfs/README.md"]
	named := regexp.MustCompile("(?m)^\\| `--([a-z-]+)[^|]*\\|")
	also := regexp.MustCompile("`--([a-z-]+)")
	shown := make(map[string]bool)
	for _, row := range named.FindAllString(text, -1) {
		for _, match := range also.FindAllStringSubmatch(row, -1) {
			shown[match[1]] = true
		}
	}
	_, help, _ := invoke(t, "mount", "--help")
	known := make(map[string]bool)
	for _, match := range regexp.MustCompile(`(?m)^ +(?:-[a-z], )?--([a-z-]+)`).FindAllStringSubmatch(help, -1) {
		known[match[1]] = true
	}
	for name := range known {
		if !shown[name] && !slices.Contains([]string{"help", "config", "print-config"}, name) {
			t.Errorf("no row for --%s", name)
		}
	}
	for name := range shown {
		if !known[name] {
			t.Errorf("a row for --%s, which is no flag", name)
		}
	}
}
