//go:build e2e

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/mp4"
	"clipfs/cmd/internal/harness"
)

const (
	// headAllowance is what a part's head may take: as much as the estimate of a size has for it.
	headAllowance = 64 << 10
	// wayAllowance is what a download may have on its way that is parked after its head: what fits into the emulator's send
	// buffer, which is small, and the mount's receive buffer.
	wayAllowance = 1 << 20
)

// toll is what GetClip has cost on a stream.
type toll struct{ calls, fragments, bytes int64 }

// tollOf asks for it. Calls that were refused for a quota have brought nothing and do not count.
func tollOf(t *testing.T, e *harness.Emulator, stream string) toll {
	t.Helper()
	for _, c := range e.Counts(t) {
		if c.API == "GetClip" && c.Stream == stream {
			return toll{c.Calls - c.Throttled, c.Fragments, c.Bytes}
		}
	}
	return toll{}
}

// plus adds what parts cost that are fetched whole.
func (n toll) plus(parts ...[]footage.Fragment) toll {
	for _, part := range parts {
		n.calls++
		n.fragments += int64(len(part))
		n.bytes += sizeOf(part) + headAllowance
	}
	return n
}

// sizeOf is how large a part's payload is at most: as Matroska it is a little less.
func sizeOf(part []footage.Fragment) int64 {
	var n int64
	for _, f := range part {
		n += f.Size
	}
	return n + n/50
}

// within checks a toll.
func (n toll) within(t *testing.T, what string, most toll) {
	t.Helper()
	t.Logf("%s: %+v of at most %+v", what, n, most)
	if n.calls > most.calls || n.fragments > most.fragments || n.bytes > most.bytes {
		t.Errorf("%s has cost %+v, want at most %+v", what, n, most)
	}
}

// parts are those of a clip of an hour without gaps: its fragments by the minute in which they start.
func (c longClip) parts() [][]footage.Fragment {
	var parts [][]footage.Fragment
	for i, f := range c.fragments {
		if i == 0 || !f.Producer.Truncate(time.Minute).Equal(c.fragments[i-1].Producer.Truncate(time.Minute)) {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], f)
	}
	return parts
}

// around are the parts that have to do with reading from one position to another: those with the fragments that are on
// there, and what is read ahead.
func (c longClip) around(from, to time.Duration) [][]footage.Fragment {
	holds := func(at time.Duration) int {
		on := c.fragments[c.running(at)].Number
		return slices.IndexFunc(c.parts(), func(part []footage.Fragment) bool {
			return slices.ContainsFunc(part, func(f footage.Fragment) bool { return f.Number == on })
		})
	}
	return c.parts()[holds(from) : holds(to+aheadTime)+1]
}

// opening is what opening costs at most: the head of each part, in a call of its own.
func (c longClip) opening() toll {
	var n toll
	for _, part := range c.parts() {
		n.calls++
		n.fragments += int64(len(part))
		n.bytes += headAllowance + min(wayAllowance, sizeOf(part))
	}
	return n
}

// again adds the calls that were made once more because nothing had come of them for 10 s: so many heads of so large parts at
// once can take a busy machine that long.
func (c longClip) again(t *testing.T, n toll) toll {
	t.Helper()
	logged := regexp.MustCompile(`msg=call api=GetClip stream=(\S+) attempts=(\d+)`)
	largest := slices.MaxFunc(c.parts(), func(a, b []footage.Fragment) int { return len(a) - len(b) })
	for _, call := range logged.FindAllStringSubmatch(c.mount.Log(), -1) {
		if attempts, err := strconv.Atoi(call[2]); err == nil && call[1] == c.stream && attempts > 1 {
			t.Logf("a call was made %d times, as the emulator was silent", attempts)
			for range attempts - 1 {
				n = toll{n.calls + 1, n.fragments + int64(len(largest)), n.bytes + headAllowance + wayAllowance}
			}
		}
	}
	return n
}

// The places that are read of a long clip: ten seconds at its beginning and ten after forty minutes.
const (
	stretch = 10 * time.Second
	later   = 40 * time.Minute
	// slack is how far a program reads on to see that it has all.
	slack = 2 * time.Second
	// lazyRate is the rate of the footage in kbit/s: 30 MB a part. aheadTime is more than what the 1 MiB that is read
	// ahead lasts.
	lazyRate  = 4000
	aheadTime = 3 * time.Second
	// lazyStart is when the hour starts after a full minute: a little more than a fragment, so that what is on any number of
	// minutes later is near the beginning of a part, and not still at the end of the one before.
	lazyStart = 8 * time.Second
)

// TestLaziness: reading the first ten seconds of an hour, and ten seconds after forty minutes, fetches the heads of its
// parts, and media only of the parts that are read. What is closed is fetched no further.
func TestLaziness(t *testing.T) {
	harness.Need(t, "ls", "du", "find")
	file := numbered(t, lazyRate)
	// A part takes 8 s, so that there is something to stop.
	e := harness.StartEmulator(t, "--bandwidth", "4MB/s", "--stream", "looked="+file+",loop", "--stream", "ranges="+file+",loop",
		"--stream", "played="+file+",loop")
	m := harness.StartMount(t, e, "--eager", "0", "--read-ahead", "1MiB")
	// Each has a stream to itself, and most of the time they wait.
	for stream, read := range map[string]func(*testing.T, *harness.Emulator, longClip){
		"looked": lookLazily, "played": playLazily, "ranges": readLazily,
	} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			read(t, e, longClipOf(t, m, stream, file, lazyStart))
		})
	}
}

// lookLazily looks at a clip in every way that does not open it.
func lookLazily(t *testing.T, e *harness.Emulator, c longClip) {
	for _, command := range [][]string{{"ls", "-la", filepath.Dir(c.path)}, {"ls", "-l", c.path}, {"stat", c.path}, {"du", c.path},
		{"find", c.path, "-size", "+1k"}} {
		if out := harness.Run(t, command[0], command[1:]...); len(out) == 0 {
			t.Errorf("%q says nothing", command)
		}
	}
	for _, name := range []string{"stream", "start", "end", "first", "fragments"} {
		if xattr(t, c.path, "user.clipfs."+name) == "" {
			t.Errorf("%s is empty", name)
		}
	}
	// How long opening will take: an hour of 5 s fragments is some 720 points of quota.
	if got := xattr(t, c.path, "user.clipfs.size"); !regexp.MustCompile(`^estimate\b.*\d+(\.\d+)?\s?(s|ms)\b`).MatchString(got) {
		t.Errorf("size before it was opened: %q, want an estimate and a wait", got)
	}
	if text, err := os.ReadFile(strings.TrimSuffix(c.path, ".mp4") + ".json"); err != nil || len(text) == 0 {
		t.Errorf("sidecar: %d bytes, %v", len(text), err)
	}
	if got := tollOf(t, e, "looked"); got != (toll{}) {
		t.Errorf("looking has cost %+v", got)
	}
}

// playLazily reads two stretches with ffmpeg, which opens the clip anew for each.
func playLazily(t *testing.T, e *harness.Emulator, c longClip) {
	most := c.opening()
	for _, from := range []time.Duration{0, later} {
		out := harness.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-xerror", "-ss", inSeconds(from), "-i", c.path, "-t", inSeconds(stretch),
			"-map", "0", "-c", "copy", "-f", "framemd5", "-")
		var got, want []string
		for line := range strings.Lines(string(out)) {
			if fields := strings.Split(strings.TrimSpace(line), ","); strings.HasPrefix(line, "0,") {
				got = append(got, strings.TrimSpace(fields[5]))
			}
		}
		want = storedVideo(c.fragments[c.running(from):c.running(from+stretch)])
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("from %s: %d pictures, want %d and those stored", from, len(got), len(want))
		}
		// It looks at the beginning of the media, too, wherever it is to go.
		most = most.plus(c.around(0, slack)...)
		if from > 0 {
			most = most.plus(c.around(from, from+stretch+slack)...)
		}
		at := settled(t, e, "played")
		at.within(t, "up to "+from.String(), c.again(t, most))
	}
	if got := xattr(t, c.path, "user.clipfs.size"); got != "exact" {
		t.Errorf("size after it was opened: %q", got)
	}
}

// settled gives the toll on a stream of which nothing is read, once nothing comes any more: a part that is being read goes
// on to its end, and what is on its way when a clip is closed still comes.
func settled(t *testing.T, e *harness.Emulator, stream string) toll {
	t.Helper()
	const still = 6
	now := tollOf(t, e, stream)
	for same, begun := 0, time.Now(); same < still; time.Sleep(time.Second / 4) {
		before := now
		now = tollOf(t, e, stream)
		if same++; now != before {
			same = 0
		}
		if time.Since(begun) > time.Minute { // a part is 30 MB, which come at 4 MB/s
			t.Fatalf("%s: nothing is read, and after %s the toll goes from %+v to %+v", stream, time.Since(begun), before, now)
		}
	}
	return now
}

// readLazily reads the same stretches by byte ranges, with one handle.
func readLazily(t *testing.T, e *harness.Emulator, c longClip) {
	f, movie := openLazily(t, c)
	most := c.opening()
	opened := tollOf(t, e, "ranges")
	most = c.again(t, most)
	opened.within(t, "opening and reading all tables", most)
	if opened.calls != most.calls {
		t.Errorf("opening has cost %d calls, want %d, one for each of %d parts", opened.calls, most.calls, len(c.parts()))
	}
	for _, from := range []time.Duration{0, later} {
		on := c.running(from)
		want := storedVideo(c.fragments[on : c.running(from+stretch)+1])
		skip := int((from - c.fragments[on].Producer.Sub(c.first)) * numberedRate / time.Second)
		n := int(stretch * numberedRate / time.Second)
		if got := videoOf(t, f, movie, from, from+stretch); !slices.Equal(got, want[skip:skip+n]) {
			t.Errorf("from %s: %d pictures, want %d and those stored", from, len(got), n)
		}
		most = most.plus(c.around(from, from+stretch)...)
		tollOf(t, e, "ranges").within(t, "reading from "+from.String(), most)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	before := settled(t, e, "ranges")
	before.within(t, "all", most)

	// Read the beginning of another part, and close: the rest of it does not come.
	const far = 20 * time.Minute
	f, movie = openLazily(t, c)
	if got := videoOf(t, f, movie, far, far+time.Second); len(got) != numberedRate {
		t.Errorf("from %s: %d pictures", far, len(got))
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	after := settled(t, e, "ranges")
	brought := toll{after.calls - before.calls, after.fragments - before.fragments, after.bytes - before.bytes}
	// That is within its first quarter. A busy machine may take its time, and what the kernel has room for still comes.
	part := c.around(far, far)[0]
	brought.within(t, "reading a bit of a part", toll{1, int64(len(part)), sizeOf(part) / 2})
}

// openLazily opens a clip and reads its tables and nothing of its media.
func openLazily(t *testing.T, c longClip) (*os.File, *mp4.Movie) {
	t.Helper()
	f, err := os.Open(c.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it may be closed already
	return f, readMovie(t, f)
}

// readMovie reads the tables of an open file and nothing of its media.
func readMovie(t *testing.T, f *os.File) *mp4.Movie {
	t.Helper()
	scanner := mp4.NewScanner(f)
	for {
		box, err := scanner.Next()
		if err != nil {
			t.Fatal(err)
		}
		if box.Type != mp4.TypeMoov {
			continue
		}
		moov, err := mp4.ReadMoov(box)
		if err != nil {
			t.Fatal(err)
		}
		movie, err := mp4.ParseMovie(moov)
		if err != nil {
			t.Fatal(err)
		}
		return movie
	}
}

// videoOf reads the coded pictures that are decoded in a stretch of an open file, and gives their hashes.
func videoOf(t *testing.T, f *os.File, movie *mp4.Movie, from, to time.Duration) []string {
	t.Helper()
	video := movie.Video()
	var hashes []string
	for s, err := range video.Samples() {
		if err != nil {
			t.Fatal(err)
		}
		at := time.Duration(s.DTS) * time.Second / time.Duration(video.Timescale)
		if at < from || at >= to {
			continue
		}
		data := make([]byte, s.Size)
		if _, err := f.ReadAt(data, s.Position); err != nil {
			t.Fatalf("at %s: %v", at, err)
		}
		hashes = append(hashes, hash(data))
	}
	return hashes
}

// TestSecondRead: what was read to its end is not fetched again, not by another handle either.
func TestSecondRead(t *testing.T) {
	t.Parallel()
	file := numbered(t, 0)
	e := harness.StartEmulator(t, "--stream", "cam="+file+",loop")
	m := harness.StartMount(t, e, "--eager", "0", "--read-ahead", "1MiB")
	c := longClipOf(t, m, "cam", file, lazyStart)
	read := func() []byte {
		f, err := os.Open(c.path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		_, err = io.Copy(sum, f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		return sum.Sum(nil)
	}
	first := read()
	once := settled(t, e, "cam")
	// A part's download is given up after its head and made again when it is read, at most.
	once.within(t, "reading all", c.again(t, c.opening().plus(c.parts()...)))
	if second := read(); !bytes.Equal(first, second) {
		t.Error("the second read differs from the first")
	}
	if again := settled(t, e, "cam"); again != once {
		t.Errorf("the second read went from %+v to %+v", once, again)
	}
	if got := xattr(t, c.path, "user.clipfs.size"); got != "exact" {
		t.Errorf("size after it was read: %q", got)
	}
}
