package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/doctor"
)

const (
	// checkCommandName is the hidden command that the demo runs in a process of its own.
	checkCommandName = "demo-check"
	// listLine and readLine begin what it prints.
	listLine, readLine = "listed  ", "read    "
	// checkLength is how long the clip is that it reads.
	checkLength = time.Minute
	// checkAge is how far before the newest footage the clip begins, so that all of it is there.
	checkAge = 2 * time.Minute
	// checkSlack is how far the clip's duration may be off: a fragment at each end.
	checkSlack = 4 * time.Second
)

// demoCheckCommand is clipfs demo-check, which only clipfs demo runs.
func demoCheckCommand() *cobra.Command {
	return config.Hidden(checkCommandName, "MOUNTPOINT", "Check the mount of a demo", func(cmd *cobra.Command, mountpoint string) error {
		return demoCheck(cmd.OutOrStdout(), mountpoint)
	})
}

// demoCheck lists the directory of a start and reads a clip in it, and prints what it found.
func demoCheck(stdout io.Writer, mountpoint string) error {
	stream := filepath.Join(mountpoint, demoStream)
	newest, err := os.Readlink(filepath.Join(stream, "latest"))
	if err != nil {
		return err
	}
	var grammar names.Grammar
	start, err := grammar.ParseStart(newest)
	if err != nil {
		return fmt.Errorf("latest: %w", err)
	}
	dir := filepath.Join(stream, grammar.FormatStart(start.Time.Add(-checkAge), archive.Minute))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var listed []string
	for _, e := range entries {
		listed = append(listed, e.Name())
	}
	if len(listed) == 0 {
		return fmt.Errorf("%s lists nothing", dir)
	}
	if _, err := fmt.Fprintf(stdout, "%s%s:  %s\n", listLine, below(mountpoint, dir), strings.Join(listed, "  ")); err != nil {
		return err
	}
	file := filepath.Join(dir, grammar.FormatFile(checkLength, names.Movie))
	found, err := readClip(file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s%s:  %s\n", readLine, below(mountpoint, file), found)
	return err
}

func below(mountpoint, path string) string { return strings.TrimPrefix(path, mountpoint+"/") }

func readClip(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	movie, size, err := doctor.ReadMovie(f)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if size != info.Size() {
		return "", fmt.Errorf("%s: %d bytes read, %d announced", path, size, info.Size())
	}
	if length := movie.Length(); length < checkLength-checkSlack || length > checkLength+checkSlack {
		return "", fmt.Errorf("%s is %s long, want about %s", path, length, checkLength)
	}
	return fmt.Sprintf("%d bytes, %s", size, movie), nil
}
