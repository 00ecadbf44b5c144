//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/cmd/internal/harness"
)

// stillOf is the path of the picture of an instant.
func stillOf(m *harness.Mount, stream string, at time.Time) string {
	return m.Join(stream, nameOf(at)+".jpg")
}

// stillShows reads the second that a still of the test card shows, and gives its size.
func stillShows(t *testing.T, picture []byte) (second int, size image.Point) {
	t.Helper()
	decoded, err := jpeg.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatalf("%d bytes: %v", len(picture), err)
	}
	size = decoded.Bounds().Size()
	gray := make([]byte, 0, size.X*size.Y)
	for y := range size.Y {
		for x := range size.X {
			gray = append(gray, color.GrayModel.Convert(decoded.At(x, y)).(color.Gray).Y)
		}
	}
	if second, err = footage.ReadTestCard(gray, size.X, size.Y); err != nil {
		t.Fatal(err)
	}
	return second, size
}

// read gives the bytes of a file.
func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStills: a copy of a still shows its instant, within a fifth of a second; looking at its name fetches nothing, and a
// second read neither, not even after a remount.
func TestStills(t *testing.T) {
	t.Parallel()
	harness.Need(t, "ffmpeg", "cp", "cmp", "wc")
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e, "--metrics", "127.0.0.1:0", "--log-format", "json", "--price-image", "0.5")
	minute := time.Now().UTC().Add(-5 * time.Hour).Truncate(time.Minute)
	dir := t.TempDir()
	copies := make(map[string][]byte)
	// The picture changes at full seconds: one that is too early by more than the 200 ms, or too late, shows another second.
	for i, offset := range []time.Duration{
		0, 199 * time.Millisecond, 1999 * time.Millisecond, 2 * time.Second, 7*time.Second + 960*time.Millisecond, 8200 * time.Millisecond,
		30500 * time.Millisecond, 59999 * time.Millisecond, 61 * time.Second, 10*time.Minute + 200*time.Millisecond,
	} {
		at := minute.Add(offset)
		path, to := stillOf(m, "testcard", at), filepath.Join(dir, fmt.Sprintf("%d.jpg", i))
		if info, err := os.Stat(path); err != nil || info.Size() == 0 || !info.ModTime().Equal(at) || e.Calls(t, "GetImages") != int64(i) {
			t.Fatalf("%s: %v, %v after %d calls", path, info, err, e.Calls(t, "GetImages"))
		}
		harness.Run(t, "cp", path, to)
		copies[path] = read(t, to)
		if second, size := stillShows(t, copies[path]); second != at.Second() || size != image.Pt(640, 360) {
			t.Errorf("%s: a picture of %s shows second %d", path, size, second)
		}
	}
	calls := e.Calls(t, "GetImages")
	if calls != int64(len(copies)) {
		t.Errorf("%d GetImages calls, want one a still", calls)
	}
	s, _ := scrape(t, m)
	if got := [3]float64{s.sum(t, "fetched_images_total"), s.sum(t, "estimated_cost_total"), s.sum(t, "api_calls_total", "api=GetImages", "result=ok")}; got != [3]float64{10, 5, 10} {
		t.Errorf("images, their cost, and calls: %v, want 10, 5 and 10", got)
	}
	again := func() {
		t.Helper()
		for path, want := range copies {
			if got := read(t, path); !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, want %d that were copied", path, len(got), len(want))
			}
			if got := strings.Fields(string(harness.Run(t, "wc", "-c", path)))[0]; got != fmt.Sprint(len(want)) {
				t.Errorf("%s: wc says %s, want %d", path, got, len(want))
			}
			if xattr(t, path, "user.clipfs.size") != "exact" || xattr(t, path, "user.clipfs.missing") != "0" {
				t.Errorf("%s: its size is an %s, %s bytes are missing", path, xattr(t, path, "user.clipfs.size"), xattr(t, path, "user.clipfs.missing"))
			}
		}
		if n := e.Calls(t, "GetImages"); n != calls || e.Calls(t, "GetClip") != 0 {
			t.Errorf("read again: %d GetImages calls, and %d of GetClip", n-calls, e.Calls(t, "GetClip"))
		}
	}
	again()
	m.Stop(t, syscall.SIGTERM)
	m = harness.Remount(t, m, e)
	for path, want := range copies {
		if info, err := os.Stat(path); err != nil || info.Size() != int64(len(want)) {
			t.Errorf("%s after a remount: %v, %v, want %d bytes", path, info, err, len(want))
		}
	}
	again()
	names, err := os.ReadDir(m.Join("testcard"))
	for _, name := range names {
		if err != nil || strings.HasSuffix(name.Name(), ".jpg") {
			t.Errorf("%s is listed, %v", name.Name(), err)
		}
	}
}

// TestStillsTogether: 25 stills that are opened at the same time cost one call or two.
func TestStillsTogether(t *testing.T) {
	harness.Need(t, "ffmpeg")
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--latency", "300ms")
	m := harness.StartMount(t, e)
	minute := time.Now().UTC().Add(-5 * time.Hour).Truncate(time.Minute)
	_ = read(t, stillOf(m, "testcard", minute.Add(-time.Second))) // from here on the listing is known
	before := e.Calls(t, "GetImages")
	pictures := make([][]byte, 25)
	failed := make([]error, len(pictures))
	var reads sync.WaitGroup
	begun := time.Now()
	for i := range pictures {
		reads.Go(func() {
			pictures[i], failed[i] = os.ReadFile(stillOf(m, "testcard", minute.Add(time.Duration(i)*7*time.Second)))
		})
	}
	reads.Wait()
	t.Logf("25 stills took %s and %d calls", time.Since(begun).Round(time.Millisecond), e.Calls(t, "GetImages")-before)
	for i, picture := range pictures {
		if failed[i] != nil {
			t.Fatal(failed[i])
		}
		if second, _ := stillShows(t, picture); second != 7*i%60 {
			t.Errorf("still %d shows second %d, want %d", i, second, 7*i%60)
		}
	}
	if n := e.Calls(t, "GetImages") - before; n < 1 || n > 2 {
		t.Errorf("%d GetImages calls, want 1 or 2", n)
	}
}

// TestStillsRefused: what is answered where stills are off, not permitted, not recorded, too much, or no name.
func TestStillsRefused(t *testing.T) {
	t.Parallel()
	harness.Need(t, "ffmpeg", "cat")
	minute := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute)
	card, err := filepath.Abs("../../../clip/emulator/footage/testcard.mkv") // a minute, which begins at second 0
	if err != nil {
		t.Fatal(err)
	}
	recorded := func(at time.Time) string { return "gaps=" + card + "@" + at.Format(time.RFC3339) }
	e := harness.StartEmulator(t, "--stream", recorded(minute), "--stream", recorded(minute.Add(10*time.Minute)))
	within, gap := minute.Add(30*time.Second), minute.Add(5*time.Minute)
	want := func(t *testing.T, m *harness.Mount, at time.Time, want error) {
		t.Helper()
		if b, err := os.ReadFile(stillOf(m, "gaps", at)); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %d bytes, %v, want %v", at, len(b), err, want)
		}
	}
	t.Run("off", func(t *testing.T) {
		m := harness.StartMount(t, e, "--stills", "off")
		if got := xattr(t, stillOf(m, "gaps", within), "user.clipfs.error"); !strings.Contains(got, "--stills off") {
			t.Errorf("the error is %q", got)
		}
		want(t, m, within, syscall.EACCES)
		want(t, m, gap, syscall.ENOENT)
	})
	t.Run("nothing recorded", func(t *testing.T) {
		m := harness.StartMount(t, e)
		for _, at := range []time.Time{gap, minute.Add(-time.Millisecond), minute.Add(61 * time.Second), minute.Add(12 * time.Minute), time.Now().Add(time.Hour)} {
			want(t, m, at, syscall.ENOENT)
		}
		if n := e.Calls(t, "GetImages"); n != 0 {
			t.Errorf("%d GetImages calls for what was not recorded", n)
		}
		want(t, m, within, nil)
		want(t, m, minute.Add(10*time.Minute), nil)
		if _, err := os.Stat(m.Join("gaps", "2024-1-1.jpg")); !errors.Is(err, syscall.ENOENT) || !m.Logs("2024-1-1.jpg: the picture of an instant is in") {
			t.Errorf("of no name: %v, and in the log:\n%s", err, m.Log())
		}
	})
	t.Run("not permitted", func(t *testing.T) {
		fault := e.Fault(t, "kind=denied,api=GetImages")
		m := harness.StartMount(t, e)
		want(t, m, within, syscall.EACCES)
		if got := xattr(t, stillOf(m, "gaps", within), "user.clipfs.error"); !strings.Contains(got, "kinesisvideo:GetImages on stream gaps: not permitted") {
			t.Errorf("the error is %q", got)
		}
		fault.Remove(t)
		want(t, m, within, nil)
	})
	t.Run("refused for a limit, and then not", func(t *testing.T) {
		m := harness.StartMount(t, e)
		e.Fault(t, "kind=throttle,api=GetImages,count=2")
		want(t, m, within, nil)
	})
	t.Run("fetch limit", func(t *testing.T) {
		m := harness.StartMount(t, e, "--fetch-limit", "1KiB/month")
		want(t, m, within, nil)
		want(t, m, within.Add(time.Second), syscall.EDQUOT)
		want(t, m, within, nil)
		if got := xattr(t, stillOf(m, "gaps", within.Add(time.Second)), "user.clipfs.error"); !strings.Contains(got, "fetch limit reached") {
			t.Errorf("the error is %q", got)
		}
	})
	t.Run("a program that may not open", func(t *testing.T) {
		m := harness.StartMount(t, e, "--deny", "cat")
		before := e.Calls(t, "GetImages")
		_, stderr, err := harness.TryRun(t, "cat", stillOf(m, "gaps", within))
		if err == nil || !strings.Contains(string(stderr), "Permission denied") || e.Calls(t, "GetImages") != before {
			t.Errorf("cat: %v, %s, %d calls", err, stderr, e.Calls(t, "GetImages")-before)
		}
	})
}

// TestStillSizes: a still is as wide as it is asked to be, in its own size if nothing else can be had, and look-ups that wait for exact
// sizes have it.
func TestStillSizes(t *testing.T) {
	t.Parallel()
	harness.Need(t, "ffmpeg")
	at := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	for _, test := range []struct {
		emulator, mount string
		want            image.Point
	}{
		{"either", "320", image.Pt(320, 180)},
		{"either", "100", image.Pt(100, 56)},
		{"both", "640", image.Pt(320, 180)},
		{"either", "0", image.Pt(320, 180)},
	} {
		e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--image-size", test.emulator)
		m := harness.StartMount(t, e, "--still-width", test.mount, "--exact-sizes")
		path := stillOf(m, "testcard", at)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		calls := e.Calls(t, "GetImages")
		picture := read(t, path)
		if second, size := stillShows(t, picture); size != test.want || second != 0 || info.Size() != int64(len(picture)) || e.Calls(t, "GetImages") != calls {
			t.Errorf("%s, of width %s: %d bytes of %s, second %d, want %s; stat said %d", test.emulator, test.mount, len(picture), size, second, test.want, info.Size())
		}
		if strict := test.emulator == "both"; strict != m.Logs("stream's own size") {
			t.Errorf("%s: that it has its own size is said: %t", test.emulator, !strict)
		}
	}
}
