package clip_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// varied gives the fragments of a stream sizes that differ, as those of cameras do.
func varied(m *memory.Archive) {
	for i := range m.Recorded["cam"] {
		m.Recorded["cam"][i].Size = 4000 + int64(i*i%97)*16
	}
}

// partCalls is the most calls of a part of so many fragments: two, and two for each time that it can be halved where short.
func partCalls(fragments int) int { return 2 + 2*int(math.Ceil(math.Log2(float64(fragments)))) }

// loggedAbove gives the lines of a log that are above debug and speak of what went wrong.
func loggedAbove(log *lockedLog) []string {
	var out []string
	for line := range strings.Lines(log.String()) {
		if !strings.Contains(line, "level=DEBUG") && (strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") || strings.Contains(line, "part takes")) {
			out = append(out, line)
		}
	}
	return out
}

// lockedLog is a log that many write to.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String gives what was written.
func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestOneFragmentFewer: a service that leaves out one fragment of what it is asked for, though not of one, costs few calls and
// no warning, and nothing is missing in the end.
func TestOneFragmentFewer(t *testing.T) {
	for name, leave := range map[string]func(f []archive.Fragment) []archive.Fragment{
		"the last":  func(f []archive.Fragment) []archive.Fragment { return f[:len(f)-1] },
		"the first": func(f []archive.Fragment) []archive.Fragment { return f[1:] },
	} {
		for _, step := range []time.Duration{2 * time.Second, 6 * time.Second} { // 30 and 10 a part
			t.Run(fmt.Sprint(name, " of ", step), func(t *testing.T) {
				m := memory.New()
				m.Record("cam", memory.Base(), 330, step)
				varied(m)
				m.Answer = func(f []archive.Fragment) ([]archive.Fragment, error) {
					if len(f) > 1 {
						f = leave(f)
					}
					return f, nil
				}
				var log lockedLog
				l, _ := library(t, m, clip.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
				c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 330*step))
				mustBe(t, m, c)
				parts, each := 11*int(step/(2*time.Second)), int(time.Minute/step)
				payloads, _, _ := m.Calls()
				if payloads > parts*partCalls(each) {
					t.Errorf("%d GetClip calls, want at most %d", payloads, parts*partCalls(each))
				}
				t.Logf("%d GetClip calls for %d parts", payloads, parts)
				if lines := loggedAbove(&log); len(lines) > 0 {
					t.Errorf("%d lines above debug, as %s", len(lines), lines[0])
				}
				again := lookUp(t, l, "cam", c.Span())
				mustBe(t, m, again)
				if now, _, _ := m.Calls(); now != payloads {
					t.Errorf("%d calls more when it is read again", now-payloads)
				}
			})
		}
	}
}

// TestOneFragmentFewerMoovLast: what a payload lacks is found before any of it is read, also where its head comes last and
// Content-Length tells its size before.
func TestOneFragmentFewerMoovLast(t *testing.T) {
	for _, lengths := range []bool{false, true} {
		m := memory.New()
		m.Record("cam", memory.Base(), 20, 2*time.Second)
		varied(m)
		m.MoovLast, m.Lengths = true, lengths
		m.Answer = func(f []archive.Fragment) ([]archive.Fragment, error) { return f[:max(1, len(f)-1)], nil }
		l, _ := library(t, m, clip.Options{})
		mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)))
	}
}

// TestFragmentsThatAreNotServed: what is listed and does not come is missing in the clip, and nothing else is; the clip says so.
func TestFragmentsThatAreNotServed(t *testing.T) {
	// Each hole in clips of each length, which payloads close in every other one.
	for i, gone := range [][]int{{0}, {17}, {29}, {7, 8, 9}, {3, 22}, {30}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29}} {
		for j, length := range []time.Duration{time.Minute, 6 * time.Minute, 20 * time.Minute} {
			closes := (i+j)%2 == 1
			t.Run(fmt.Sprint(gone, " closed ", closes, " ", length), func(t *testing.T) { tryGone(t, gone, closes, length) })
		}
	}
}

// tryGone reads a clip of which fragments of some numbers are not served. closes says that payloads close the hole.
func tryGone(t *testing.T, gone []int, closes bool, length time.Duration) {
	m := memory.New()
	m.Record("cam", memory.Base(), 600, 2*time.Second)
	varied(m)
	m.KeepsHoles = !closes
	number := func(f archive.Fragment) int { return int(f.Producer.Sub(memory.Base()) / (2 * time.Second)) }
	isGone := func(f archive.Fragment) bool { return slices.Contains(gone, number(f)) }
	m.Answer = func(f []archive.Fragment) ([]archive.Fragment, error) {
		if f = slices.DeleteFunc(slices.Clone(f), isGone); len(f) == 0 {
			return nil, archive.ErrNoFootage
		}
		return f, nil
	}
	l, c := library(t, m, clip.Options{})
	film := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length))
	listed := m.Selected("cam", archive.ByProducer, film.Span())
	served := slices.DeleteFunc(slices.Clone(listed), isGone)
	file, err := readAll(t, film)
	if len(served) == 0 {
		if err == nil {
			t.Errorf("got %d bytes of nothing", len(file))
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	marks, _ := frames(t, file)
	if want, _ := recorded(served); !slices.Equal(marks, want) {
		t.Errorf("%d samples differ from the %d that are served", len(marks), len(want))
	}
	lost := len(listed) - len(served)
	if note := film.Note(); (lost > 0) != strings.Contains(note, "not served") || lost > 0 && !strings.Contains(note, listed[gone[0]].Producer.Format("15:04:05.000Z")) {
		t.Errorf("note %q for %d fragments that are not served", note, lost)
	}
	payloads, _, _ := m.Calls()
	each := len(listed)
	most := 1
	if each > 200 {
		each, most = 30, 20
	}
	if lost > 0 {
		most += partCalls(each) * len(gone)
	}
	if payloads > most {
		t.Errorf("%d GetClip calls, want at most %d", payloads, most)
	}
	// A restart: nothing is asked for again, and the size is known.
	l = clip.NewLibrary(m, c, clip.Options{})
	film = lookUp(t, l, "cam", film.Span())
	if size, exact := film.Size(); !exact || size != int64(len(file)) {
		t.Errorf("after a restart: size %d exact %t, want %d", size, exact, len(file))
	}
	if again, err := readAll(t, film); err != nil || !bytes.Equal(again, file) {
		t.Errorf("after a restart: %d bytes, %v, want the %d as before", len(again), err, len(file))
	}
	if now, _, _ := m.Calls(); now != payloads {
		t.Errorf("%d calls more after a restart", now-payloads)
	}
}

// TestShortForAMoment: what a service lacks for a moment is asked for once more.
func TestShortForAMoment(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 60, 2*time.Second)
	var mu sync.Mutex
	n := 0
	m.Answer = func(f []archive.Fragment) ([]archive.Fragment, error) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n == 1 {
			return f[:len(f)-1], nil
		}
		return f, nil
	}
	l, _ := library(t, m, clip.Options{})
	mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)))
	if payloads, _, _ := m.Calls(); payloads > 3 {
		t.Errorf("%d GetClip calls, want at most 3", payloads)
	}
}

// TestOpenGroupsOfPictures: whether a payload is whole is told by time, and not by how many sync samples it says that it has.
func TestOpenGroupsOfPictures(t *testing.T) {
	for name, syncs := range map[string]int{"the first only": 1, "none": 0, "every third": 3, "two a fragment": -1} {
		for _, cut := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " cut ", cut), func(t *testing.T) {
				m := memory.New()
				m.Syncs = func(i int) bool { return syncs < 0 || syncs == 1 && i == 0 || syncs == 3 && i%6 == 0 }
				m.Record("cam", memory.Base(), 90, 2*time.Second)
				varied(m)
				want := 3
				if cut {
					want = 3 * partCalls(30)
					m.Answer = func(f []archive.Fragment) ([]archive.Fragment, error) { return f[:max(1, len(f)-1)], nil }
				}
				l, _ := library(t, m, clip.Options{Part: time.Minute})
				for i := range 3 {
					mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(time.Duration(i)*time.Minute), time.Minute)))
				}
				if payloads, _, _ := m.Calls(); payloads > want {
					t.Errorf("%d GetClip calls, want at most %d", payloads, want)
				}
			})
		}
	}
}

// TestFragmentedPayload: a payload in fragments is refused at once.
func TestFragmentedPayload(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 30, 2*time.Second)
	m.Rewrite = func(payload []byte) []byte {
		at := bytes.Index(payload, []byte("mdat")) - 4
		moof := binary.BigEndian.AppendUint32(nil, 16)
		moof = append(append(moof, "moof"...), 0, 0, 0, 8, 'm', 'f', 'h', 'd')
		return slices.Concat(payload[:at], moof, payload[at:])
	}
	l, _ := library(t, m, clip.Options{})
	_, err := readAll(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)))
	if payloads, _, _ := m.Calls(); payloads != 1 || err == nil || !strings.Contains(err.Error(), "moof") {
		t.Errorf("%d calls and %v, want one that says why", payloads, err)
	}
}
