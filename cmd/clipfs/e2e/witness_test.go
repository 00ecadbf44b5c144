//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

const (
	// witnessTable is what the cases come to. E2E_UPDATE=1 writes it, and each run compares.
	witnessTable = "WITNESS.md"
	// witnessAtOnce is how many cases are tried at once.
	witnessAtOnce = 3
	// witnessPart is how much a call brings of a clip of many parts.
	witnessPart = 20 * time.Second
	// seeksOfCase is how often each file is sought in, and framesOfSeek how many pictures are read then.
	seeksOfCase, framesOfSeek = 10, 3
)

// TestWitness: clips of an archive that shares no code with us have every coded frame once, in order, at the time at which
// it was recorded, can be sought in, and make libavformat complain of nothing, whatever the coding, the form of payloads,
// and the span.
func TestWitness(t *testing.T) {
	t.Parallel()
	start := testStart()
	cases := witnessCases()
	var streams []harness.WitnessStream
	for i, c := range cases {
		streams = append(streams, c.stream(t, fmt.Sprintf("c%04d", i), start))
	}
	w := startWitness(t, streams...)
	mounts := make(map[string]*harness.Mount)
	for _, gaps := range []string{"close", "keep"} {
		mounts[gaps] = harness.StartMount(t, w.Emulator, "--gaps", gaps, "--part", witnessPart.String(), "--log-level", "info")
	}
	rows := make([]string, len(cases))
	wrong := make([]bool, len(cases))
	next := make(chan int)
	var wg sync.WaitGroup
	for range witnessAtOnce {
		wg.Go(func() {
			for i := range next {
				from, length := cases[i].span(start)
				path := mounts[cases[i].value(axisGaps)].Join(streams[i].Name, nameOf(from), length+".mp4")
				problems := cases[i].problems(t, w, streams[i].Name, path, from)
				if wrong[i] = len(problems) > 0; wrong[i] {
					t.Errorf("%s %s: %s", streams[i].Name, cases[i], strings.Join(problems, "; "))
				}
				rows[i] = cases[i].row(problems)
			}
		})
	}
	for i := range cases {
		next <- i
	}
	close(next)
	wg.Wait()
	checkWitnessTable(t, rows, wrong)
}

// String gives the values of a case.
func (c witnessCase) String() string {
	var words []string
	for axis := range c {
		words = append(words, c.value(axis))
	}
	return strings.Join(words, ", ")
}

// row gives a case's row of the table.
func (c witnessCase) row(problems []string) string {
	result := "right"
	if len(problems) > 0 {
		result = "wrong: " + strings.ReplaceAll(strings.Join(problems, "; "), "\n", " ")
	}
	return "| " + strings.ReplaceAll(c.String(), ", ", " | ") + " | " + result + " |\n"
}

// stream gives the stream of a case.
func (c witnessCase) stream(t *testing.T, name string, start time.Time) harness.WitnessStream {
	t.Helper()
	timescale, err := strconv.Atoi(c.value(axisTimescale))
	if err != nil {
		t.Fatal(err)
	}
	s := harness.WitnessStream{Name: name, File: witnessSource(t, c.value(axisPicture)), Start: start.UnixMilli(),
		Layout: c.value(axisLayout), Timescale: timescale, Stss: c.value(axisSyncs), Odd: c.value(axisOdd)}
	switch c.value(axisSound) {
	case "AAC leads":
		s.Lead = 93
	case "none":
		s.Sound = "none"
	case "short":
		s.Sound = "0.6"
	}
	switch c.value(axisSpan) {
	case "one part":
		s.Fragments = 20
	case "gap":
		s.Fragments, s.Gaps = 30, [][2]int64{{12, 7000}}
	}
	return s
}

// span gives when the clip of a case begins and how long its name says that it is.
func (c witnessCase) span(start time.Time) (from time.Time, length string) {
	if c.value(axisSpan) == "one part" {
		return start.Add(2 * time.Second), "9s"
	}
	return start.Add(-time.Second), "5m"
}

// problems reads the clip of a case and tells what is wrong.
func (c witnessCase) problems(t *testing.T, w *harness.Witness, name, path string, from time.Time) []string {
	t.Helper()
	tracks, complaints, err := tryProbe(t, path)
	if err != nil {
		return []string{fmt.Sprintf("cannot be read: %s %s", strings.TrimSpace(complaints), xattrIfAny(path, "user.clipfs.error"))}
	}
	var problems []string
	if complaints = c.own(complaints); complaints != "" {
		problems = append(problems, "libavformat complains: "+strings.TrimSpace(complaints))
	}
	truth := w.Truth(t, name)
	_, length, _ := strings.Cut(strings.TrimSuffix(path, ".mp4"), nameOf(from)+"/")
	lasts, err := time.ParseDuration(length)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for _, f := range truth.Fragments {
		if at := time.UnixMilli(f.Producer); !at.Before(from) && at.Before(from.Add(lasts)) {
			numbers = append(numbers, f.Number)
		}
	}
	e := expectedOf(truth, numbers, c.oddServed(truth, &numbers))
	if c.value(axisSpan) != "one part" {
		e.anchored, e.begins = true, float64(truth.Fragments[0].Producer-truth.Start)/1000
	}
	if c.value(axisOdd) == "sound-before" && c.value(axisTimescale) == "1000" {
		e.rounding = 0.0005 // the payload's time begins with a frame that the listing does not tell of
	}
	e.closed = c.value(axisGaps) == "close"
	problems = append(problems, e.compare(tracks)...)
	if len(problems) == 0 {
		problems = c.seeks(t, path, firstOf(tracks, "video"))
	}
	return problems
}

// own gives what libavformat complains of and not libavcodec, where pictures refer to some before the clip.
func (c witnessCase) own(complaints string) string {
	if !strings.Contains(c.value(axisPicture), "open") {
		return complaints
	}
	var own strings.Builder
	for line := range strings.Lines(complaints) {
		if !strings.HasPrefix(line, "[h264 @") && !strings.HasPrefix(line, "[hevc @") {
			own.WriteString(line)
		}
	}
	return own.String()
}

// oddServed gives what is odd in the file of a case, as in its payload if it is one, where more fragments may be in it.
// Where the file is joined nothing is odd.
func (c witnessCase) oddServed(truth harness.WitnessTruth, numbers *[]string) string {
	odd := c.value(axisOdd)
	if c.value(axisSpan) != "one part" {
		return ""
	}
	all := truth.Fragments
	for i := range all {
		switch {
		case odd == "more-before" && i+1 < len(all) && all[i+1].Number == (*numbers)[0]:
			*numbers = append([]string{all[i].Number}, *numbers...)
			return odd
		case odd == "more-after" && i > 0 && all[i-1].Number == (*numbers)[len(*numbers)-1]:
			*numbers = append(*numbers, all[i].Number)
			return odd
		}
	}
	return odd
}

// sparse reports whether the service lists hardly any of the pictures at which decoding can begin. Libavformat finds them
// as it reads, but seeks by the table: to the beginning of what is the payload, else of a part.
func (c witnessCase) sparse() bool {
	return c.value(axisSyncs) == "idr" && strings.Contains(c.value(axisPicture), "open")
}

// seeks has ffprobe seek in a file, and compares what it finds with the key frame before, as the whole file has it.
func (c witnessCase) seeks(t *testing.T, path string, whole *probedTrack) (problems []string) {
	t.Helper()
	var intervals []string
	var targets []int64
	first, last := whole.frames[0].pts, whole.frames[len(whole.frames)-1].pts
	for i := range seeksOfCase {
		target := first + (last-first)*int64(2*i+1)/(3*seeksOfCase)
		targets = append(targets, target)
		intervals = append(intervals, fmt.Sprintf("%.6f%%+#%d", whole.seconds(target), framesOfSeek))
	}
	tracks, complaints, err := tryProbe(t, path, "-select_streams", "v:0", "-read_intervals", strings.Join(intervals, ","))
	if complaints = c.own(complaints); err != nil || complaints != "" {
		return []string{fmt.Sprintf("seeks: %v %s", err, strings.TrimSpace(complaints))}
	}
	got := firstOf(tracks, "video").frames
	if len(got) != seeksOfCase*framesOfSeek {
		return []string{fmt.Sprintf("seeks: %d pictures, want %d", len(got), seeksOfCase*framesOfSeek)}
	}
	for i, target := range targets {
		farthest := int64(0)
		if c.sparse() {
			farthest = witnessPart.Nanoseconds() * whole.den / whole.num / int64(time.Second)
		}
		if problem := landed(whole, target, farthest, got[i*framesOfSeek:(i+1)*framesOfSeek]); problem != "" {
			problems = append(problems, fmt.Sprintf("seek to %.3f s: %s", whole.seconds(target), problem))
		}
	}
	return problems
}

// landed tells what is wrong with pictures read after a seek: they have to be those from the last key frame on that is shown
// no later than the target. Libavformat goes by times of decoding, or such times moved, so the key frame after it is as good
// if it is decoded by then, and the one before if no more than the longest way from decoding to showing lies between. If
// farthest is not 0, any key frame is as good that is no farther from the target.
func landed(whole *probedTrack, target, farthest int64, got []probed) string {
	before, key, after, at := 0, 0, 0, -1
	late := int64(0)
	for i, f := range whole.frames {
		late = max(late, f.pts-f.dts)
		switch keyed := strings.Contains(f.flags, "K"); {
		case keyed && f.pts <= target:
			before, key, after = key, i, i
		case keyed && after == key && f.dts <= target:
			after = i
		}
		if f.dts == got[0].dts {
			at = i
		}
	}
	far := at < 0 || !strings.Contains(whole.frames[at].flags, "K") || at > after || target-whole.frames[at].pts > farthest
	if far && at != key && at != after && (at != before || whole.frames[key].pts+late < target) {
		return fmt.Sprintf("lands on picture %d, want %d", at, key)
	}
	for i, f := range got {
		if w := whole.frames[at+i]; f.pts != w.pts || f.dts != w.dts || f.hash != w.hash {
			return fmt.Sprintf("picture %d is another one than in the whole file", at+i)
		}
	}
	return ""
}

// checkWitnessTable compares the table with what was seen, or writes it.
func checkWitnessTable(t *testing.T, rows []string, wrong []bool) {
	t.Helper()
	if *witnessFull {
		return
	}
	n := 0
	for _, w := range wrong {
		if w {
			n++
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# Clips of an archive that we did not make\n\n"+
		"Made by `E2E_UPDATE=1 go test -tags e2e ./cmd/clipfs/e2e -run TestWitness$`, and compared with each run of it: %d cases, %d wrong.\n"+
		"Each compares coded frames, times of pictures (1 ms) and sound (a frame), ten seeks, and warnings of libavformat.\n\n|", len(rows), n)
	for _, axis := range witnessAxes() {
		text.WriteString(" " + axis.name + " |")
	}
	text.WriteString(" result |\n|" + strings.Repeat("---|", len(witnessAxes())+1) + "\n" + strings.Join(rows, ""))
	if os.Getenv("E2E_UPDATE") != "" {
		if err := os.WriteFile(filepath.Join(".", witnessTable), []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	had, err := os.ReadFile(witnessTable)
	if err != nil || string(had) != text.String() {
		t.Errorf("%s is not what was seen (E2E_UPDATE=1 writes it): %v", witnessTable, err)
	}
}
