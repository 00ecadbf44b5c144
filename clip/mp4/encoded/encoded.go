// Package encoded has ffmpeg make files for tests, and keeps them beside the tools of .ci/test, if those are there: encoding is
// most of what tests take, and the same arguments give the same file.
package encoded

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// File has ffmpeg make the file at path of arguments, or copies the one that was made of them before. It gives what ffmpeg said.
// A file that it complained of is not kept.
func File(ctx context.Context, path string, args ...string) (said []byte, err error) {
	kept := keptAt(args, filepath.Base(path))
	if kept != "" {
		switch err := copyFile(kept, path); {
		case err == nil:
			now := time.Now() // .ci/test removes what was not used for long
			return nil, os.Chtimes(kept, now, now)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "ffmpeg", append(append([]string{"-v", "error", "-nostdin", "-y"}, args...), path)...)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil || kept == "" || stderr.Len() > 0 {
		return stderr.Bytes(), err
	}
	return nil, keep(path, kept)
}

// keptAt gives where the file is kept that ffmpeg makes of arguments; empty if none is kept. It depends on the program, on the
// arguments, where one is a file on what is in it, and on the name, whose end says the format.
func keptAt(args []string, name string) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	tools := filepath.Join(cache, "clipfs-ci")
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return ""
	}
	info, err := os.Stat(program)
	if _, missing := os.Stat(tools); err != nil || missing != nil {
		return ""
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %d %d %q", program, info.Size(), info.ModTime().UnixNano(), name)
	for _, arg := range args {
		if content, err := os.ReadFile(arg); err == nil {
			fmt.Fprintf(sum, " %x", sha256.Sum256(content))
			continue
		}
		fmt.Fprintf(sum, " %q", arg)
	}
	return filepath.Join(tools, "encoded", fmt.Sprintf("%x-%s", sum.Sum(nil)[:16], name))
}

// keep copies a file to where it is kept, so that it is there whole or not at all.
func keep(path, kept string) error {
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return err
	}
	unfinished, err := os.CreateTemp(filepath.Dir(kept), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(unfinished.Name()) }() // unless it was renamed
	err = copyTo(unfinished, path)
	if err := errors.Join(err, unfinished.Sync(), unfinished.Close()); err != nil {
		return err
	}
	return os.Rename(unfinished.Name(), kept)
}

// copyFile copies a file.
func copyFile(from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	return errors.Join(copyTo(target, from), target.Close())
}

// copyTo writes what is in a file.
func copyTo(target io.Writer, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, source.Close())
}
