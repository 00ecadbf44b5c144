//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

const (
	// faultTimeout is --read-timeout of the mounts under test; a call that is silent for a third of it is made again.
	faultTimeout = 9 * time.Second
	faultStall   = faultTimeout / 3
	// faultSlack is what a busy machine may add to the bounds in the table at most, however slow it is (see yardstick).
	faultSlack = 30 * time.Second
)

// The table in FAULTS.md stands between these lines.
const (
	tableBegin = "<!-- Made by E2E_UPDATE=1 go test -tags e2e ./cmd/clipfs/e2e -run TestFaults, and compared with each run of it. -->\n"
	tableEnd   = "<!-- The end of what is made. -->\n"
	tableHead  = "| fault | what the reader gets | after at most | calls more than without, at most |\n|---|---|---|---|\n"
)

// waitsAtOnce is how many tests run at once that wait most of the time, however few processors there are.
const waitsAtOnce = 10

// atOnce runs subtests side by side.
func atOnce(t *testing.T, names []string, run func(t *testing.T, i int)) {
	t.Helper()
	places := make(chan struct{}, waitsAtOnce)
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(name, func(t *testing.T) { run(t, i) })
		})
	}
	wg.Wait()
}

// most is how many calls of each operation something may cost at most.
type most map[string]int64

// String gives them for the table.
func (m most) String() string {
	var words []string
	for _, api := range slices.Sorted(maps.Keys(m)) {
		if m[api] > 0 {
			words = append(words, fmt.Sprintf("%d %s", m[api], api))
		}
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// faultCase is one way for things to go wrong, and what has to come of it.
type faultCase struct {
	name string
	// rules are set for the case's stream while it reads.
	rules []string
	// wants is 0 where the reader gets the bytes that are stored.
	wants syscall.Errno
	// within is how long the reader waits at most where nothing else keeps the machine busy.
	within time.Duration
	costs  most
	// gone: what was read is not there any more when it is over.
	gone bool
}

// faultTable collects what was seen.
type faultTable struct {
	slow *yardstick

	// mu guards rows.
	mu   sync.Mutex
	rows map[string]string
}

// add notes what a case came to, unless it was not what it should be.
func (f *faultTable) add(t *testing.T, name, sees string, within time.Duration, costs most) {
	if t.Failed() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rows == nil {
		f.rows = make(map[string]string)
	}
	f.rows[name] = fmt.Sprintf("| %s | %s | %.0f s | %s |\n", name, sees, within.Seconds(), costs)
}

// check compares the table with what was seen, or writes it there.
func (f *faultTable) check(t *testing.T, names []string) {
	t.Helper()
	path := "FAULTS.md"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), tableBegin)
	table, after, ended := strings.Cut(rest, tableEnd)
	if !ok || !ended {
		t.Fatalf("%s has no lines %q and %q", path, tableBegin, tableEnd)
	}
	made := tableHead
	for _, name := range names {
		row := f.rows[name]
		if made += row; row != "" && !strings.Contains(table, row) && os.Getenv("E2E_UPDATE") == "" {
			t.Errorf("FAULTS.md lacks the row\n%s(E2E_UPDATE=1 writes it)", row)
		}
	}
	if len(f.rows) < len(names) {
		return // only some were run
	}
	if os.Getenv("E2E_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(before+tableBegin+made+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != made {
		t.Errorf("FAULTS.md has rows of faults that were not seen, or in another order: E2E_UPDATE=1 writes\n%s", made)
	}
}

// errnoOf gives the errno of an error, or 0 where there is none.
func errnoOf(t *testing.T, err error) syscall.Errno {
	t.Helper()
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		t.Fatalf("%v is no errno", err)
	}
	return errno
}

// sees says for the table what a reader got.
func sees(errno syscall.Errno) string {
	if errno == 0 {
		return "the same bytes"
	}
	return unix.ErrnoName(errno)
}

// callsOf gives how often each operation was called for a stream.
func callsOf(t *testing.T, e *harness.Emulator, stream string) most {
	t.Helper()
	calls := make(most)
	for _, c := range e.Counts(t) {
		if c.Stream == stream {
			calls[c.API] += c.Calls
		}
	}
	return calls
}

// usual is what reading a clip of one call, or listing a stream, costs where nothing goes wrong.
func usual() most {
	return most{"DescribeStream": 1, "GetDataEndpoint": 2, "ListFragments": 2, "GetClip": 1}
}

// checkCosts compares calls with what they may be.
func checkCosts(t *testing.T, got, usual, more most) {
	t.Helper()
	for api, n := range got {
		if n > usual[api]+more[api] {
			t.Errorf("%d calls of %s, want at most %d and %d more", n, api, usual[api], more[api])
		}
	}
}
