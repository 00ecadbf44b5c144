//go:build e2e

package e2e_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestColons: from inside the directory of a stream, ffmpeg and rsync take a start with a colon for a protocol or a host.
// "./" in front of it, and the basic form, which --names basic lists, are what the guide says they are: names of files.
func TestColons(t *testing.T) {
	t.Parallel()
	harness.Need(t, "ffmpeg", "rsync", "tar")
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e, "--names", "basic")
	at := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	extended, basic := at.Format("2006-01-02T15:04")+"/1m.mp4", at.Format("20060102T1504")+"/1m.mp4"
	want, err := os.ReadFile(m.Join("testcard", basic))
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	tools := map[string]func(name, to string) []string{
		"ffmpeg": func(name, to string) []string {
			return []string{"ffmpeg", "-v", "error", "-i", name, "-c", "copy", "-f", "framemd5", to}
		},
		"rsync": func(name, to string) []string { return []string{"rsync", "-e", "false", name, to} }, // false in place of ssh
		"tar":   func(name, to string) []string { return []string{"tar", "-cf", to, name} },
		// As an archive, which a clip is not: tar says so once it has read it.
		"tar, as an archive": func(name, _ string) []string { return []string{"tar", "--rsh-command=/bin/false", "-tf", name} },
	}
	for tool, command := range tools {
		results := make(map[string][]byte)
		for _, name := range []string{extended, "./" + extended, basic} {
			to := filepath.Join(out, "out")
			_ = os.Remove(to) // of the one before
			args := command(name, to)
			cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
			cmd.Dir, cmd.WaitDelay = m.Join("testcard"), time.Second
			said, err := cmd.CombinedOutput()
			taken := err == nil
			if tool == "tar, as an archive" {
				taken = bytes.Contains(said, []byte("does not look like a tar archive"))
			}
			if plain := name == extended && tool != "tar"; taken == plain {
				t.Errorf("%s %s: %v, %s; want it to be taken for a file: %v", tool, name, err, said, !plain)
			}
			if results[name], err = os.ReadFile(to); err == nil && tool == "rsync" && !bytes.Equal(results[name], want) {
				t.Errorf("%s %s: %d bytes, want %d", tool, name, len(results[name]), len(want))
			}
			if tool == "tar" && !bytes.Contains(results[name], want) {
				t.Errorf("%s %s: the clip is not in the archive", tool, name)
			}
		}
		if tool == "ffmpeg" && (len(results[basic]) < 1000 || !bytes.Equal(results[basic], results["./"+extended])) {
			t.Errorf("ffmpeg reads %d and %d bytes of checksums", len(results[basic]), len(results["./"+extended]))
		}
	}
	hour := m.Join("testcard", at.Format("20060102"), at.Format("20060102T15"))
	seen := 0
	err = filepath.WalkDir(hour, func(path string, _ fs.DirEntry, err error) error {
		seen++
		if strings.ContainsAny(path[len(m.Path):], `:<>"|?*\`) { // what Windows and Samba do not take
			t.Errorf("--names basic lists %s", path)
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Errorf("%d names, %v", seen, err)
	}
}
