package logs_test

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/cmd/internal/logs"
)

// slow is a writer that waits until it may take something.
type slow struct {
	may chan struct{}

	mu    sync.Mutex
	taken bytes.Buffer
}

// Write implements io.Writer.
func (s *slow) Write(p []byte) (int, error) {
	<-s.may
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken.Write(p)
}

// lostLines finds what a relay says of lines that were lost.
var lostLines = regexp.MustCompile(`lines of the log are lost.* lines=(\d+)`)

// TestRelayNeverWaits: whoever logs goes on where nobody takes the lines; who takes them late gets those that were held, in
// their order, and is told how many were not.
func TestRelayNeverWaits(t *testing.T) {
	out := &slow{may: make(chan struct{})}
	r := logs.NewRelay(out, logs.Text)
	const lines, size = 6000, 1000 // a relay holds 1 MiB, and its goroutine may have taken as much before
	for i := range lines {
		if n, err := fmt.Fprintf(r, "%0*d\n", size-1, i); n != size || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
	close(out.may)
	r.Close()
	next, lost := 0, 0
	for line := range strings.Lines(out.taken.String()) {
		if told := lostLines.FindStringSubmatch(line); told != nil {
			n, err := strconv.Atoi(told[1])
			if err != nil {
				t.Fatal(err)
			}
			next, lost = next+n, lost+n
			continue
		}
		if want := fmt.Sprintf("%0*d\n", size-1, next); line != want {
			t.Fatalf("line %d is %q", next, line)
		}
		next++
	}
	if next != lines || lost < lines/2 {
		t.Errorf("%d lines came or were told of, %d of them lost; want %d, and at least half lost", next, lost, lines)
	}
}

// TestRelayEnds: a relay whose writer never takes anything ends all the same.
func TestRelayEnds(t *testing.T) {
	pipe, in := io.Pipe()
	defer func() { _ = pipe.Close() }()
	r := logs.NewRelay(in, logs.Text)
	_, _ = io.WriteString(r, "a line\n")
	ended := make(chan struct{})
	go func() {
		r.Close()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("it waits for its writer")
	}
}

// TestRelayHandsOn: lines come while the relay is open, and those of the end with Close.
func TestRelayHandsOn(t *testing.T) {
	pipe, in := io.Pipe()
	r := logs.NewRelay(in, logs.JSON)
	for _, line := range []string{"one\n", "two\n"} {
		_, _ = io.WriteString(r, line)
		got := make([]byte, len(line))
		if _, err := io.ReadFull(pipe, got); err != nil || string(got) != line {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	go func() {
		r.Close()
		_ = in.Close()
	}()
	if rest, err := io.ReadAll(pipe); err != nil || len(rest) != 0 {
		t.Errorf("and then %q, %v", rest, err)
	}
}
