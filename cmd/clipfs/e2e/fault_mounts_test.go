//go:build e2e

package e2e_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// refusedNames are the rows of runRefused.
func refusedNames() []string {
	return []string{
		"all data calls: connection refused for 4 s", "all data calls: connection refused, always",
		"all data calls: connection refused, for a look-up of what is not known",
	}
}

// runRefused: nobody listens at the data endpoint. An open waits for the read timeout, a look-up for a sixth of it.
func runRefused(t *testing.T, table *faultTable) {
	names := refusedNames()
	e := harness.StartEmulator(t, "--stream", "stream-0=testcard", "--stream", "stream-1=testcard", "--retention", "5h")
	m := harness.StartMount(t, e, "--read-timeout", faultTimeout.String())
	from := faultMinute()
	more := most{"GetDataEndpoint": 4}
	for i, c := range []struct {
		rule   string
		wants  syscall.Errno
		within time.Duration
	}{
		{"kind=refuse,api=GetClip,for=4s", 0, faultTimeout},
		{"kind=refuse,api=GetClip", syscall.ETIMEDOUT, faultTimeout},
	} {
		stream := streamOf(i)
		path := m.Join(stream, nameOf(from), "1m.mp4")
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		f := e.Fault(t, c.rule)
		begun := time.Now()
		got, err := os.ReadFile(path)
		if errno := errnoOf(t, err); errno != c.wants {
			t.Errorf("%s: got %d bytes, %v, want %s", c.rule, len(got), err, sees(c.wants))
		}
		table.slow.inTime(t, c.rule, begun, c.within)
		checkCosts(t, callsOf(t, e, stream), usual(), more)
		if c.wants != 0 {
			refusedLookup(t, table, m.Join(stream, nameOf(from.Add(-time.Hour)), "1m.mp4"), names[2])
			f.Remove(t)
		}
		again, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%s: when it was over: %v", c.rule, err)
			continue
		}
		asStored(t, again, stream, from)
		table.add(t, names[i], sees(c.wants), c.within, more)
	}
}

// refusedLookup looks up what is not known.
func refusedLookup(t *testing.T, table *faultTable, path, name string) {
	t.Helper()
	const within = 2 * time.Second
	begun := time.Now()
	if _, err := os.Stat(path); errnoOf(t, err) != syscall.ETIMEDOUT {
		t.Errorf("%s: %v, want ETIMEDOUT", name, err)
	}
	table.slow.inTime(t, name, begun, within)
	table.add(t, name, sees(syscall.ETIMEDOUT), within, most{"GetDataEndpoint": 4})
}

// renewedNames are the rows of runRenewed.
func renewedNames() []string {
	return []string{"all calls: credentials have expired", "all calls: credentials have expired, and the chain has others"}
}

// runRenewed: credentials expire, and are renewed by the program that gives them.
func runRenewed(t *testing.T, table *faultTable) {
	names := renewedNames()
	dir := t.TempDir()
	key := filepath.Join(dir, "key.json")
	renew := func(id string) {
		text := fmt.Sprintf(`{"Version":1,"AccessKeyId":%q,"SecretAccessKey":"test-secret","SessionToken":"test-token"}`, id)
		if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	renew("AKOLD")
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte("[default]\nregion = us-east-1\ncredential_process = /bin/cat "+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := harness.StartEmulator(t, "--stream", "stream-0=testcard", "--retention", "5h")
	m := harness.StartMountWith(t, e, []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_CONFIG_FILE=" + config}, t.TempDir(),
		"--read-timeout", faultTimeout.String())
	from := faultMinute()
	path := m.Join("stream-0", nameOf(from), "1m.mp4")
	if !m.Logs("archive answers") { // else it is a matter of time whether the stream is known
		t.Fatal("the archive does not answer")
	}
	e.Fault(t, "kind=expired")
	begun := time.Now()
	if _, err := os.ReadFile(path); errnoOf(t, err) != syscall.EACCES {
		t.Errorf("expired: %v", err)
	}
	table.slow.inTime(t, "expired", begun, time.Second)
	more := most{}
	checkCosts(t, callsOf(t, e, "stream-0"), usual(), more)
	table.add(t, names[0], sees(syscall.EACCES), time.Second, more)

	renew("AKNEW")
	before := callsOf(t, e, "stream-0")
	begun = time.Now()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("renewed: %v", err)
	}
	table.slow.inTime(t, "renewed", begun, 2*time.Second)
	asStored(t, got, "stream-0", from)
	after := callsOf(t, e, "stream-0")
	for api, n := range before {
		after[api] -= n
	}
	more = most{"GetDataEndpoint": 1}
	checkCosts(t, after, usual(), more)
	table.add(t, names[1], sees(0), 2*time.Second, more)
}

// rootNames are the rows of runRoot.
func rootNames() []string {
	return []string{"ListStreams: an endless NextToken", "ListStreams: truncated JSON, twice"}
}

// runRoot: the list of streams goes wrong.
func runRoot(t *testing.T, table *faultTable) {
	names := rootNames()
	e := harness.StartEmulator(t, "--stream", "stream-0=testcard")
	f := e.Fault(t, "kind=endless,api=ListStreams") // from before the mount asks for the first time
	m := harness.StartMount(t, e, "--read-timeout", faultTimeout.String(), "--metadata-ttl", "1ms")
	before := callsOf(t, e, "")["ListStreams"]
	begun := time.Now()
	if _, err := os.ReadDir(m.Path); errnoOf(t, err) != syscall.ETIMEDOUT {
		t.Errorf("endless: %v", err)
	}
	table.slow.inTime(t, "endless", begun, time.Second)
	more := most{"ListStreams": 3}
	checkCosts(t, most{"ListStreams": callsOf(t, e, "")["ListStreams"] - before}, most{"ListStreams": 1}, more)
	f.Remove(t)
	table.add(t, names[0], sees(syscall.ETIMEDOUT), time.Second, more)

	f = e.Fault(t, "kind=truncate,api=ListStreams,count=2")
	before = callsOf(t, e, "")["ListStreams"]
	begun = time.Now()
	entries, err := os.ReadDir(m.Path)
	if err != nil || len(entries) == 0 || entries[len(entries)-1].Name() != "stream-0" {
		t.Errorf("truncated: %v, %v", entries, err)
	}
	table.slow.inTime(t, "truncated", begun, 2*time.Second)
	more = most{"ListStreams": 2}
	checkCosts(t, most{"ListStreams": callsOf(t, e, "")["ListStreams"] - before}, most{"ListStreams": 1}, more)
	if n := f.Hits(t); n != 2 {
		t.Errorf("truncated: %d calls", n)
	}
	table.add(t, names[1], "the streams", 2*time.Second, more)
}

// openNames are the rows of runOpen.
func openNames() []string {
	return []string{
		"open clip of many calls: the footage leaves retention", "open clip of many calls: the stream is deleted",
		"open clip of many calls: a payload differs from the one its head came from",
		"open clip of many calls: connection closed in mid-body, twice",
	}
}

// runOpen: something goes wrong while a clip is open of which only the heads have come.
func runOpen(t *testing.T, table *faultTable) {
	names := openNames()
	rules := []string{"kind=aged", "kind=deleted", "kind=differ", "kind=close,api=GetClip,at=50%,count=2"}
	wants := []syscall.Errno{syscall.ESTALE, syscall.ESTALE, syscall.ESTALE, 0}
	args := []string{"--retention", "5h", "--bandwidth", "300kB/s"}
	for i := range names {
		args = append(args, "--stream", streamOf(i)+"=testcard")
	}
	e := harness.StartEmulator(t, args...)
	m := harness.StartMount(t, e, "--read-timeout", faultTimeout.String(), "--eager", "0", "--read-ahead", "0",
		"--connections", "4") // which are wanted for later heads, so that of the first parts no more than that has come
	from := faultMinute()
	atOnce(t, names, func(t *testing.T, i int) {
		stream := streamOf(i)
		path := m.Join(stream, nameOf(from), "20m.mp4")
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		some, at := make([]byte, 4096), int64(0)
		fault := e.Fault(t, rules[i]+",stream="+stream)
		before := callsOf(t, e, stream)["GetClip"]
		begun := time.Now()
		n, err := 0, error(nil)
		for k := int64(0); k < 20 && err == nil && fault.Hits(t) == 0; k++ { // of some parts all may have come
			at = info.Size() * (2*k + 1) / 40
			begun = time.Now()
			n, err = f.ReadAt(some, at)
		}
		if errno := errnoOf(t, err); errno != wants[i] {
			t.Errorf("got %d bytes, %v, want %s", n, err, sees(wants[i]))
		}
		table.slow.inTime(t, names[i], begun, 4*time.Second)
		more := most{"GetClip": 2}
		checkCosts(t, most{"GetClip": callsOf(t, e, stream)["GetClip"] - before}, most{"GetClip": 1}, more)
		if fault.Hits(t) == 0 {
			t.Error("no call was hit")
		}
		fault.Remove(t)
		sameAgain(t, path, stream, from, some[:n], at)
		table.add(t, names[i], sees(wants[i]), 4*time.Second, more)
	})
}

// sameAgain opens a clip again, reads all of it, and compares it with what is stored and with what was read before.
func sameAgain(t *testing.T, path, stream string, from time.Time, some []byte, at int64) {
	t.Helper()
	f, err := os.Open(path)
	for deadline := time.Now().Add(remembered + faultSlack); os.IsNotExist(err) && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		f, err = os.Open(path)
	}
	if err != nil {
		t.Errorf("when it was over: %v", err)
		return
	}
	content, err := io.ReadAll(f)
	if closed := f.Close(); err != nil || closed != nil {
		t.Errorf("when it was over: %v, %v", err, closed)
		return
	}
	if end := at + int64(len(some)); end > int64(len(content)) || string(content[at:end]) != string(some) {
		t.Error("other bytes when it was over")
	}
	copied := filepath.Join(t.TempDir(), "read.mp4")
	if err := os.WriteFile(copied, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exact(copied, stored(t, stream+"=testcard", from, from.Add(20*time.Minute))); err != nil {
		t.Error(err)
	}
}

// skewedNames are the rows of runSkewed.
func skewedNames() []string {
	return []string{"all calls: the service's clock is 10 minutes ahead", "all calls: the service's clock is 10 minutes behind"}
}

// runSkewed: the service's clock is another than ours, for all calls: what is known of it is known for all streams.
func runSkewed(t *testing.T, table *faultTable) {
	names := skewedNames()
	e := harness.StartEmulator(t, "--stream", "stream-0=testcard", "--stream", "stream-1=testcard", "--retention", "5h")
	m := harness.StartMount(t, e, "--read-timeout", faultTimeout.String())
	from := faultMinute()
	more := most{"DescribeStream": 1, "GetDataEndpoint": 1, "ListFragments": 1, "GetClip": 1}
	for i, rule := range []string{"kind=skew,by=10m", "kind=skew,by=-10m"} {
		stream := streamOf(i)
		path := m.Join(stream, nameOf(from), "1m.mp4")
		f := e.Fault(t, rule)
		begun := time.Now()
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		table.slow.inTime(t, rule, begun, 2*time.Second)
		asStored(t, got, stream, from)
		checkCosts(t, callsOf(t, e, stream), usual(), more)
		if f.Hits(t) == 0 {
			t.Errorf("%s hit no call", rule)
		}
		f.Remove(t)
		again, err := os.ReadFile(m.Join(stream, nameOf(from.Add(-time.Minute)), "1m.mp4")) // which nobody has read
		if err != nil {
			t.Fatalf("%s: when it was over: %v", rule, err)
		}
		asStored(t, again, stream, from.Add(-time.Minute))
		table.add(t, names[i], sees(0), 2*time.Second, more)
	}
}
