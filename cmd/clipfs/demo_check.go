package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clipfs/clip"
	"clipfs/clip/mp4"

	"github.com/spf13/cobra"
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
	return &cobra.Command{
		Use:    checkCommandName + " MOUNTPOINT",
		Short:  "Check the mount of a demo",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return demoCheck(cmd.OutOrStdout(), args[0])
		},
	}
}

// demoCheck lists the directory of a start and reads a clip in it, and prints what it found.
func demoCheck(stdout io.Writer, mountpoint string) error {
	stream := filepath.Join(mountpoint, demoStream)
	newest, err := os.Readlink(filepath.Join(stream, "latest"))
	if err != nil {
		return err
	}
	var grammar clip.Grammar
	start, err := grammar.ParseStart(newest)
	if err != nil {
		return fmt.Errorf("latest: %w", err)
	}
	dir := filepath.Join(stream, grammar.FormatStart(start.Time.Add(-checkAge), clip.Minute))
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
	file := filepath.Join(dir, grammar.FormatFile(checkLength, clip.Movie))
	found, err := readClip(file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s%s:  %s\n", readLine, below(mountpoint, file), found)
	return err
}

// below gives a path as it is below the mountpoint.
func below(mountpoint, path string) string { return strings.TrimPrefix(path, mountpoint+"/") }

// readClip reads all of a clip and describes it.
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
	boxes := mp4.NewScanner(f)
	var movie *mp4.Movie
	for {
		box, err := boxes.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		if box.Type != mp4.TypeMoov {
			continue // Next reads it
		}
		moov, err := mp4.ReadMoov(box)
		if err == nil {
			movie, err = mp4.ParseMovie(moov)
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	if boxes.Position() != info.Size() {
		return "", fmt.Errorf("%s: %d bytes read, %d announced", path, boxes.Position(), info.Size())
	}
	if movie == nil || movie.Video() == nil {
		return "", fmt.Errorf("%s: no video in it", path)
	}
	return describeMovie(path, info.Size(), movie)
}

// describeMovie gives size, duration and codecs of a clip that has video.
func describeMovie(path string, size int64, movie *mp4.Movie) (string, error) {
	video := movie.Video()
	_, ticks, ok := video.Durations.Total()
	if !ok || video.Timescale == 0 || len(video.Entries) == 0 {
		return "", fmt.Errorf("%s: its video cannot be timed", path)
	}
	length := time.Duration(float64(ticks) / float64(video.Timescale) * float64(time.Second)).Round(time.Millisecond)
	if length < checkLength-checkSlack || length > checkLength+checkSlack {
		return "", fmt.Errorf("%s is %s long, want about %s", path, length, checkLength)
	}
	entry := video.Entries[0]
	text := fmt.Sprintf("%d bytes, %s, %s %dx%d", size, length, codecName(entry.Type), entry.Width, entry.Height)
	if sound := movie.Sound(); sound != nil && len(sound.Entries) > 0 {
		text += fmt.Sprintf(", %s %d Hz", codecName(sound.Entries[0].Type), sound.Timescale)
	}
	return text, nil
}

// codecName gives the name by which people know a sample entry.
func codecName(entry mp4.FourCC) string {
	names := map[string]string{"avc1": "H.264", "avc3": "H.264", "hvc1": "H.265", "hev1": "H.265", "mp4a": "AAC",
		"alaw": "G.711 A-law", "ulaw": "G.711 µ-law"}
	if name, ok := names[entry.String()]; ok {
		return name
	}
	return entry.String()
}
