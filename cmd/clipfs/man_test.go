//go:build e2e

package main_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	main "clipfs/cmd/clipfs"
	"clipfs/cmd/internal/harness"
)

// manPages writes the manual pages and gives their paths by name.
func manPages(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if code, stdout, stderr := invoke(t, "man", dir); code != 0 || stdout != "" || stderr != "" {
		t.Fatalf("clipfs man: exit code %d, %q, %q", code, stdout, stderr)
	}
	pages := make(map[string]string)
	for _, section := range []string{"man1", "man8"} {
		entries, err := os.ReadDir(filepath.Join(dir, section))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			pages[e.Name()] = filepath.Join(dir, section, e.Name())
		}
	}
	return pages
}

// TestManPages: there is one for each command, with each flag, and man shows all of them without complaints.
func TestManPages(t *testing.T) {
	harness.Need(t, "man")
	pages := manPages(t)
	want := []string{"mount.clipfs.8", "clipfs.1"}
	for _, cmd := range main.RootCommand().Commands() {
		if !cmd.Hidden {
			want = append(want, "clipfs-"+cmd.Name()+".1")
		}
	}
	for _, name := range want {
		if pages[name] == "" {
			t.Errorf("no page %s among %v", name, slices.Sorted(maps.Keys(pages)))
		}
	}
	for name, path := range pages {
		cmd := exec.CommandContext(t.Context(), "man", "--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", path)
		cmd.Env = append(os.Environ(), "MANWIDTH=80", "LC_ALL=C.UTF-8", "MANROFFSEQ=")
		var shown, complaints bytes.Buffer
		cmd.Stdout, cmd.Stderr = &shown, &complaints
		err := cmd.Run()
		for line := range strings.Lines(complaints.String()) {
			if !strings.Contains(line, "cannot adjust line") { // a default that is one long word
				t.Errorf("man %s: %s", name, line)
			}
		}
		if err != nil || shown.Len() == 0 {
			t.Errorf("man %s: %v, %d bytes", name, err, shown.Len())
		}
	}
	text, err := os.ReadFile(pages["clipfs-mount.1"])
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"cache-size", "daemon", "grace", "allow-other"} {
		if !strings.Contains(string(text), `\fB--`+flag) {
			t.Errorf("clipfs-mount(1) does not have --%s", flag)
		}
	}
	if again := manPages(t); len(again) != len(pages) {
		t.Errorf("%d pages the first time, %d the second", len(pages), len(again))
	} else if second, err := os.ReadFile(again["clipfs-mount.1"]); err != nil || !bytes.Equal(second, text) {
		t.Error("the same program wrote another page the second time")
	}
}

// TestCompletion: each shell's script is there and can be read by its shell, and what is completed is what can be given.
func TestCompletion(t *testing.T) {
	harness.Need(t, "bash")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, stderr := invoke(t, "completion", shell)
		if code != 0 || !strings.Contains(script, "clipfs") || stderr != "" {
			t.Errorf("clipfs completion %s: exit code %d, %d bytes, %q", shell, code, len(script), stderr)
		}
		if shell == "bash" {
			check := exec.CommandContext(t.Context(), "bash", "-n")
			check.Stdin = strings.NewReader(script)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("bash: %v, %s", err, out)
			}
		}
	}
	for words, want := range map[string]string{
		"mo":                "mount",
		"mount --gaps ":     "close keep",
		"mount --names e":   "extended basic", // shells choose
		"mount --timezone ": "",
	} {
		args := strings.Split(words, " ")
		_, stdout, _ := invoke(t, append([]string{"__completeNoDesc"}, args...)...)
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		if got := strings.Join(lines[:len(lines)-1], " "); got != want { // the last one is a directive
			t.Errorf("completion of %q: %q, want %q", words, got, want)
		}
	}
}
