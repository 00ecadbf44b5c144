//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// connectionCases: the connection fails, before the answer or in the middle of it.
func connectionCases() []faultCase {
	const same = syscall.Errno(0)
	get := func(n int64) most { return most{"GetClip": n} }
	return []faultCase{
		{"GetClip: connection reset before the answer, twice", []string{"kind=reset,api=GetClip,count=2"}, same, 2 * time.Second, get(2), false},
		{"GetClip: connection reset in mid-body, twice", []string{"kind=reset,api=GetClip,at=50%,count=2"}, same, 4 * time.Second, get(2), false},
		{"GetClip: connection closed in mid-body, twice", []string{"kind=close,api=GetClip,at=50%,count=2"}, same, 4 * time.Second, get(2), false},
		{"GetClip: connection closed at the first byte of the body, always", []string{"kind=close,api=GetClip,at=0"}, syscall.ETIMEDOUT, faultTimeout, get(12), false},
		{"GetClip: connection closed in mid-body, always", []string{"kind=close,api=GetClip,at=50%"}, syscall.ETIMEDOUT, faultTimeout + time.Second, get(12), false},
		{"GetClip: no answer, once", []string{"kind=stall,api=GetClip,count=1"}, same, faultStall + 2*time.Second, get(1), false},
		{"GetClip: no answer, always", []string{"kind=stall,api=GetClip"}, syscall.ETIMEDOUT, faultTimeout, get(3), false},
		{"GetClip: stalled in mid-body, once", []string{"kind=stall,api=GetClip,at=50%,count=1"}, same, faultStall + 2*time.Second, get(1), false},
		{"GetClip: stalled in mid-body, always", []string{"kind=stall,api=GetClip,at=50%"}, syscall.ETIMEDOUT, faultTimeout + time.Second, get(4), false},
		{"GetClip: a drip that takes longer than --read-timeout", []string{"kind=drip,api=GetClip,at=50%,rate=16kB"}, same, 2 * faultTimeout, get(0), false},
		{"ListFragments: connection reset, twice", []string{"kind=reset,api=ListFragments,count=2"}, same, 2 * time.Second, most{"ListFragments": 2}, false},
		{"ListFragments: connection closed in mid-body, always", []string{"kind=close,api=ListFragments,at=50%"}, syscall.ETIMEDOUT, faultTimeout, most{"ListFragments": 12}, false},
		{"ListFragments: stalled in mid-body, once", []string{"kind=stall,api=ListFragments,at=50%,count=1"}, same, faultStall + 2*time.Second, most{"ListFragments": 1}, false},
		{"GetDataEndpoint: no answer, once", []string{"kind=stall,api=GetDataEndpoint,count=1"}, same, faultStall + 2*time.Second, most{"GetDataEndpoint": 1}, false},
		{"DescribeStream: no answer, always", []string{"kind=stall,api=DescribeStream"}, syscall.ETIMEDOUT, faultTimeout, most{"DescribeStream": 3}, false},
	}
}

// refusalCases: the service says no.
func refusalCases() []faultCase {
	const same = syscall.Errno(0)
	get := func(n int64) most { return most{"GetClip": n} }
	return []faultCase{
		{"GetClip: status 500, twice", []string{"kind=status,status=500,api=GetClip,count=2"}, same, 2 * time.Second, get(2), false},
		{"GetClip: status 503, always", []string{"kind=status,status=503,api=GetClip"}, syscall.ETIMEDOUT, faultTimeout, get(12), false},
		{"GetClip: status 429, twice", []string{"kind=status,status=429,api=GetClip,count=2"}, same, 4 * time.Second, get(3), false},
		{"GetClip: status 429, always", []string{"kind=status,status=429,api=GetClip"}, syscall.EBUSY, faultTimeout, get(8), false},
		{"GetClip: ClientLimitExceeded, twice", []string{"kind=throttle,api=GetClip,count=2"}, same, 4 * time.Second, get(3), false},
		{"GetClip: ClientLimitExceeded, always", []string{"kind=throttle,api=GetClip"}, syscall.EBUSY, faultTimeout, get(8), false},
		{"ListFragments: ClientLimitExceeded, always", []string{"kind=throttle,api=ListFragments"}, syscall.EBUSY, faultTimeout, most{"ListFragments": 8}, false},
		{"DescribeStream: status 503, twice", []string{"kind=status,status=503,api=DescribeStream,count=2"}, same, 2 * time.Second, most{"DescribeStream": 2}, false},
		{"GetClip: access denied", []string{"kind=denied,api=GetClip"}, syscall.EACCES, time.Second, get(0), false},
		{"ListFragments: access denied", []string{"kind=denied,api=ListFragments"}, same, time.Second, most{}, false},
		{"ListFragments: status 403 that names no kind of error", []string{"kind=status,status=403,api=ListFragments"}, syscall.EIO, time.Second, most{}, false},
		{"ListFragments: status 401 that names no kind of error", []string{"kind=status,status=401,api=ListFragments"}, syscall.EIO, time.Second, most{}, false},
		{"GetClip: status 404 that names no kind of error", []string{"kind=status,status=404,api=GetClip"}, syscall.EIO, time.Second, get(1), false},
		{"DescribeStream: access denied", []string{"kind=denied,api=DescribeStream"}, syscall.EACCES, time.Second, most{}, false},
		{"all calls: the stream is deleted", []string{"kind=deleted"}, syscall.ENOENT, time.Second, most{}, false},
		{"all calls: the footage has left retention", []string{"kind=aged"}, syscall.ENOENT, time.Second, most{}, true},
	}
}

// answerCases: answers that are not what they should be.
func answerCases() []faultCase {
	const same = syscall.Errno(0)
	get := func(n int64) most { return most{"GetClip": n} }
	list := func(n int64) most { return most{"ListFragments": n} }
	cases := []faultCase{
		{"GetClip: Content-Length too large, once", []string{"kind=length,by=1000,api=GetClip,count=1"}, same, 2 * time.Second, get(1), false},
		{"GetClip: Content-Length too small, once", []string{"kind=length,by=-1000,api=GetClip,count=1"}, same, 2 * time.Second, get(1), false},
		{"GetClip: Content-Length too small, always", []string{"kind=length,by=-1000,api=GetClip"}, syscall.EMEDIUMTYPE, 6 * time.Second, get(2), false},
		{"GetClip: the payload ends in the middle, and Content-Length says so, once", []string{"kind=truncate,api=GetClip,count=1"}, same, 2 * time.Second, get(1), false},
		{"GetClip: garbage, once", []string{"kind=garbage,api=GetClip,count=1"}, same, 2 * time.Second, get(1), false},
		{"GetClip: garbage, always", []string{"kind=garbage,api=GetClip"}, syscall.EMEDIUMTYPE, 6 * time.Second, get(2), false},
		{"GetClip: HTML with status 200, once", []string{"kind=html,api=GetClip,count=1"}, same, 2 * time.Second, get(1), false},
		{"GetClip: HTML with status 200, always", []string{"kind=html,api=GetClip"}, syscall.ETIMEDOUT, faultTimeout, get(12), false},
		{"ListFragments: Content-Length too small, once", []string{"kind=length,by=-100,api=ListFragments,count=1"}, same, 2 * time.Second, list(1), false},
		{"ListFragments: truncated JSON, twice", []string{"kind=truncate,api=ListFragments,count=2"}, same, 2 * time.Second, list(2), false},
		{"ListFragments: truncated JSON, always", []string{"kind=truncate,api=ListFragments"}, syscall.ETIMEDOUT, faultTimeout, list(12), false},
		{"ListFragments: garbage, once", []string{"kind=garbage,api=ListFragments,count=1"}, same, 2 * time.Second, list(1), false},
		{"ListFragments: HTML with status 200, once", []string{"kind=html,api=ListFragments,count=1"}, same, 2 * time.Second, list(1), false},
		{"GetDataEndpoint: HTML with status 200, once", []string{"kind=html,api=GetDataEndpoint,count=1"}, same, 2 * time.Second, most{"GetDataEndpoint": 1}, false},
		{"DescribeStream: truncated JSON, once", []string{"kind=truncate,api=DescribeStream,count=1"}, same, 2 * time.Second, most{"DescribeStream": 1}, false},
		{"ListFragments: fragments listed twice", []string{"kind=duplicate"}, same, time.Second, list(0), false},
		{"ListFragments: fragments missing, once", []string{"kind=missing,count=1"}, same, 2 * time.Second, list(2), false},
		{"ListFragments: an endless NextToken", []string{"kind=endless,api=ListFragments"}, syscall.ETIMEDOUT, 4 * time.Second, list(20), false},
		{"GetClip: the payload is another one after it was cut", []string{"kind=close,api=GetClip,at=90%,count=1", "kind=differ,api=GetClip,at=85%"}, syscall.ESTALE, 2 * time.Second, get(1), false},
	}
	for _, lie := range []struct{ what, text string }{
		{"mdat", "media box beyond the body"}, {"sizes", "a sample beyond the body"}, {"offsets", "a chunk beyond the body"},
		{"overlap", "chunks that overlap"}, {"counts", "absurd counts"}, {"moov", "a head of 2 GiB"},
	} {
		rule := "kind=lie,what=" + lie.what
		cases = append(cases,
			faultCase{"GetClip: a head that lies: " + lie.text + ", once", []string{rule + ",count=1"}, same, 2 * time.Second, get(1), false},
			faultCase{"GetClip: a head that lies: " + lie.text + ", always", []string{rule}, syscall.EMEDIUMTYPE, 6 * time.Second, get(2), false})
	}
	return cases
}

// TestFaults: whatever goes wrong, a reader gets the bytes that are stored or an honest errno, in time and at a price
// that is known, and when it goes wrong no more, the next read works on the same mount. What it comes to is the table in
// FAULTS.md.
func TestFaults(t *testing.T) {
	cases := append(append(connectionCases(), refusalCases()...), answerCases()...)
	table := faultTable{slow: startYardstick(t)}
	var names []string
	for _, c := range cases {
		names = append(names, c.name)
	}
	others := []struct {
		names []string
		run   func(t *testing.T, table *faultTable)
	}{
		{refusedNames(), runRefused},
		{renewedNames(), runRenewed},
		{openNames(), runOpen},
		{rootNames(), runRoot},
		{skewedNames(), runSkewed},
	}
	groups := []string{"cases", "refused", "renewed", "open", "root", "skewed"}
	for _, o := range others {
		names = append(names, o.names...)
	}
	atOnce(t, groups, func(t *testing.T, group int) {
		if group == 0 {
			runCases(t, cases, &table)
			return
		}
		others[group-1].run(t, &table)
	})
	table.check(t, names)
}

// runCases runs the cases side by side on one mount: what goes wrong on one stream, for good too, is no matter of the others.
func runCases(t *testing.T, cases []faultCase, table *faultTable) {
	var names []string
	// Streams that were not listed are described one by one.
	args := []string{"--retention", "5h", "--fault", "kind=denied,api=ListStreams"}
	for i, c := range cases {
		args = append(args, "--stream", streamOf(i)+"=testcard")
		names = append(names, c.name)
	}
	e := harness.StartEmulator(t, args...)
	m := harness.StartMount(t, e, "--read-timeout", faultTimeout.String(), "--connections", "256")
	atOnce(t, names, func(t *testing.T, i int) { runFault(t, e, m, streamOf(i), cases[i], table) })
}

// streamOf names the stream of a case.
func streamOf(i int) string { return fmt.Sprintf("stream-%d", i) }

// faultMinute is when the footage begins that is read under faults.
func faultMinute() time.Time { return time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute) }

// runFault reads a clip while something goes wrong, and again when it does no more.
func runFault(t *testing.T, e *harness.Emulator, m *harness.Mount, stream string, c faultCase, table *faultTable) {
	from := faultMinute()
	path := m.Join(stream, nameOf(from), "1m.mp4")
	var faults []*harness.Fault
	for _, rule := range c.rules {
		faults = append(faults, e.Fault(t, rule+",stream="+stream))
	}
	begun := time.Now()
	got, err := os.ReadFile(path)
	took := time.Since(begun)
	table.slow.inTime(t, c.name, begun, c.within)
	errno := errnoOf(t, err)
	if errno != c.wants {
		t.Errorf("got %d bytes, %v, want %s", len(got), err, sees(c.wants))
	}
	if errno == 0 {
		asStored(t, got, stream, from)
	}
	checkCosts(t, callsOf(t, e, stream), usual(), c.costs)
	t.Logf("%s after %s, %v", sees(errno), took.Round(time.Millisecond), callsOf(t, e, stream))
	for i, f := range faults {
		if f.Hits(t) == 0 {
			t.Errorf("%s hit no call", c.rules[i])
		}
		f.Remove(t)
	}
	if c.gone { // what has left retention is known to be gone; other footage is not
		from = from.Add(-time.Hour)
		path = m.Join(stream, nameOf(from), "1m.mp4")
	}
	again, err := readSoon(path)
	if err != nil {
		t.Errorf("when it was over: %v", err)
		return
	}
	asStored(t, again, stream, from)
	if errno == 0 && !bytes.Equal(got, again) {
		t.Error("other bytes when it was over")
	}
	table.add(t, c.name, sees(errno), c.within, c.costs)
}

// remembered is how long an answer that there is no such thing is remembered at most.
const remembered = 5 * time.Second

// readSoon reads a file. A name that was not there may be remembered so for a moment.
func readSoon(path string) ([]byte, error) {
	for deadline := time.Now().Add(remembered + faultSlack); ; time.Sleep(100 * time.Millisecond) {
		content, err := os.ReadFile(path)
		if !os.IsNotExist(err) || time.Now().After(deadline) {
			return content, err
		}
	}
}

// asStored compares a minute of the test card with what the emulator stored.
func asStored(t *testing.T, content []byte, stream string, from time.Time) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "read.mp4")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exact(path, stored(t, stream+"=testcard", from, from.Add(time.Minute))); err != nil {
		t.Error(strings.ReplaceAll(err.Error(), path, stream))
	}
}
