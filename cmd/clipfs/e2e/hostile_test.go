//go:build e2e

package e2e_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// evil is an archive that means harm. It answers what its fields have, by path, and honestly where they have nothing.
type evil struct {
	server *httptest.Server
	// from is when the one fragment of every stream starts.
	from time.Time

	// mu guards answers, which are by path of the API.
	mu      sync.Mutex
	answers map[string]http.HandlerFunc
}

// answer has one path answered so, and all others honestly.
func (e *evil) answer(path string, answer http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers = map[string]http.HandlerFunc{path: answer}
}

// newEvil starts one.
func newEvil(t *testing.T) *evil {
	t.Helper()
	e := &evil{from: time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Hour)}
	e.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		answer := e.answers[r.URL.Path]
		e.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		e.honest(w, r)
	}))
	t.Cleanup(e.server.Close)
	return e
}

// honest answers as the service does.
func (e *evil) honest(w http.ResponseWriter, r *http.Request) {
	const arn = "arn:aws:kinesisvideo:us-east-1:1:stream/../../../../../../tmp/x/1"
	stream := fmt.Sprintf(`{"StreamName":"evil","StreamARN":%q,"DataRetentionInHours":24,"CreationTime":%d}`, arn, e.from.Unix())
	switch r.URL.Path {
	case "/listStreams":
		_, _ = fmt.Fprintf(w, `{"StreamInfoList":[%s]}`, stream)
	case "/describeStream":
		_, _ = fmt.Fprintf(w, `{"StreamInfo":%s}`, stream)
	case "/getDataEndpoint":
		_, _ = fmt.Fprintf(w, `{"DataEndpoint":%q}`, e.server.URL)
	case "/listFragments":
		_, _ = fmt.Fprintf(w, `{"Fragments":[%s]}`, e.fragment("91343852333181432392682062607743920146264094789"))
	default:
		http.Error(w, "{}", http.StatusBadRequest)
	}
}

// fragment is one on the wire.
func (e *evil) fragment(number string) string {
	quoted, _ := json.Marshal(number) // a string always can be
	return fmt.Sprintf(`{"FragmentNumber":%s,"FragmentSizeInBytes":1000,"FragmentLengthInMilliseconds":1960,"ProducerTimestamp":%d,"ServerTimestamp":%d}`,
		quoted, e.from.Unix(), e.from.Unix())
}

// body answers with bytes and no length.
func body(b ...[]byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "video/mp4")
		for _, part := range b {
			_, _ = w.Write(part)
		}
		w.(http.Flusher).Flush()
	}
}

// largeBox gives the header of a box of 64 bits of size.
func largeBox(kind string, size uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{0, 0, 0, 1}, kind...), size)
}

// filesIn lists what is below a directory, but not below those that are left out.
func filesIn(t *testing.T, dir string, without ...string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if slices.Contains(without, path) {
			return filepath.SkipDir
		}
		all = append(all, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestHostileArchive: whatever an archive answers, a read gets an errno in bounded time, nothing is written outside of
// the cache, no call goes where the answer leads, memory stays bounded and the mount goes on.
func TestHostileArchive(t *testing.T) {
	e := newEvil(t)
	var trapped atomic.Int64
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { trapped.Add(1) }))
	defer trap.Close()
	work := t.TempDir()
	cache := filepath.Join(work, "cache")
	m := harness.StartMountWith(t, &harness.Emulator{Endpoint: e.server.URL}, nil, cache, "--read-timeout", "2s", "--metadata-ttl", "1ms")
	outside := filesIn(t, work, cache)
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, trap.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}
	list := func(numbers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			var all []string
			for _, n := range numbers {
				all = append(all, e.fragment(n))
			}
			_, _ = fmt.Fprintf(w, `{"Fragments":[%s]}`, strings.Join(all, ","))
		}
	}
	endpoint := func(url string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"DataEndpoint":%q}`, url) }
	}
	for n, test := range []struct {
		name, path string
		answer     http.HandlerFunc
		want       []syscall.Errno
	}{
		{"endpoint elsewhere in plain text", "/getDataEndpoint", endpoint("http://192.0.2.1:1"), []syscall.Errno{syscall.EINVAL}},
		{"endpoint of another scheme", "/getDataEndpoint", endpoint("file:///etc/passwd"), []syscall.Errno{syscall.EINVAL}},
		{"endpoint with a password", "/getDataEndpoint", endpoint("http://a:b@127.0.0.1:1"), []syscall.Errno{syscall.EINVAL}},
		{"endpoint redirects", "/getDataEndpoint", redirect, []syscall.Errno{syscall.ETIMEDOUT}},
		{"number that is a path", "/listFragments", list("../../../../tmp/x"), []syscall.Errno{syscall.ETIMEDOUT}},
		{"number without end", "/listFragments", list(strings.Repeat("1", 1<<20)), []syscall.Errno{syscall.ETIMEDOUT}},
		{"listing without end", "/listFragments", list(slices.Repeat([]string{"1"}, 5000)...), []syscall.Errno{syscall.ETIMEDOUT}},
		{"listing redirects", "/listFragments", redirect, []syscall.Errno{syscall.ETIMEDOUT}},
		{"error without end", "/listFragments", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			for range 1 << 10 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, []syscall.Errno{syscall.EINVAL, syscall.ETIMEDOUT}},
		{"JSON as deep as it is long", "/listFragments", body([]byte(`{"Fragments":` + strings.Repeat("[", 4<<20))), []syscall.Errno{syscall.ETIMEDOUT}},
		{"clip redirects", "/getClip", redirect, []syscall.Errno{syscall.ETIMEDOUT}},
		{"moov of an exabyte", "/getClip", body(largeBox("moov", 1<<60), make([]byte, 4096)), []syscall.Errno{syscall.EMEDIUMTYPE}},
		{"media of an exabyte", "/getClip", body(largeBox("mdat", 1<<60), make([]byte, 4096)), []syscall.Errno{syscall.EMEDIUMTYPE}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e.answer(test.path, test.answer)
			begun := time.Now()
			// Another length each time, so that nothing is remembered.
			_, err := os.ReadFile(m.Join("evil", nameOf(e.from), fmt.Sprintf("%ds.mp4", 10+n)))
			var errno syscall.Errno
			if !errors.As(err, &errno) || !slices.Contains(test.want, errno) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if took := time.Since(begun); took > 30*time.Second { // 2 s, and room for a machine that is busy
				t.Errorf("took %s", took)
			}
		})
	}
	if n := trapped.Load(); n != 0 {
		t.Errorf("%d signed calls followed a redirect", n)
	}
	if now := filesIn(t, work, cache); !slices.Equal(now, outside) {
		t.Errorf("outside of the cache there is %q, and was %q", now, outside)
	}
	if _, most := resident(t, m); most > 400<<20 {
		t.Errorf("the mount took %d MiB of memory", most>>20)
	}
	e.answer("", nil)
	if entries, err := os.ReadDir(m.Path); err != nil || !slices.ContainsFunc(entries, func(d fs.DirEntry) bool { return d.Name() == "evil" }) {
		t.Errorf("after all that: %v, %v", entries, err)
	}
}

// TestNamesOfStreams: names that cannot be those of directories are not shown, do not resolve, and are said once in the
// log; all others do, up to the longest that the service has.
func TestNamesOfStreams(t *testing.T) {
	t.Parallel()
	e := newEvil(t)
	longest := strings.Repeat("n", 256)
	names := []string{"good", "...", longest, "", ".", "..", "/", "a/b", "/etc/passwd", "a\x00b", "a\nb", "\x1b[31m", "ä", "\xff", longest + "n", strings.Repeat("x", 5000)}
	e.answer("/listStreams", func(w http.ResponseWriter, _ *http.Request) {
		var all []string
		for _, name := range names {
			quoted, _ := json.Marshal(name) // a string always can be
			all = append(all, fmt.Sprintf(`{"StreamName":%s,"DataRetentionInHours":24}`, quoted))
		}
		_, _ = fmt.Fprintf(w, `{"StreamInfoList":[%s]}`, strings.Join(all, ","))
	})
	m := harness.StartMount(t, &harness.Emulator{Endpoint: e.server.URL}, "--metadata-ttl", "1ms")
	for range 3 {
		entries, err := os.ReadDir(m.Path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), ".clipfs") { // the mount's own
				continue
			}
			got = append(got, entry.Name())
			if info, err := os.Stat(m.Join(entry.Name())); err != nil || !info.IsDir() {
				t.Errorf("%.20s: %v, %v", entry.Name(), info, err)
			}
		}
		if want := []string{"...", "good", longest}; !slices.Equal(got, want) {
			t.Errorf("shown are %.100q, want %.100q", got, want)
		}
	}
	count := func() int { return strings.Count(m.Log(), "stream left out") }
	eventually(t, "each name is said to be left out", func() bool { return count() >= len(names)-3 })
	if got, want := count(), len(names)-3; got != want {
		t.Errorf("%d names are said to be left out, want each of %d once", got, want)
	}
}

// TestHundredThousandStreams: as many are listed, in order and each once, in bounded memory.
func TestHundredThousandStreams(t *testing.T) {
	const count, page = 100_000, 1000
	e := newEvil(t)
	e.answer("/listStreams", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ NextToken string }
		_ = json.NewDecoder(r.Body).Decode(&in) // the SDK's own
		first := 0
		_, _ = fmt.Sscanf(in.NextToken, "t%d", &first)
		var all []string
		for i := first; i < first+page; i++ {
			all = append(all, fmt.Sprintf(`{"StreamName":"camera-%06d","StreamARN":"arn:aws:kinesisvideo:us-east-1:1:stream/camera-%06[1]d/1","DataRetentionInHours":24}`, i))
		}
		token := ""
		if first+page < count {
			token = fmt.Sprintf(`,"NextToken":"t%d"`, first+page)
		}
		_, _ = fmt.Fprintf(w, `{"StreamInfoList":[%s]%s}`, strings.Join(all, ","), token)
	})
	m := harness.StartMount(t, &harness.Emulator{Endpoint: e.server.URL})
	for _, again := range []string{"cold", "warm"} {
		begun := time.Now()
		entries, err := os.ReadDir(m.Path)
		if err != nil {
			t.Fatal(err)
		}
		entries = slices.DeleteFunc(entries, func(d fs.DirEntry) bool { return !strings.HasPrefix(d.Name(), "camera-") })
		if len(entries) != count {
			t.Fatalf("%s: %d entries, want %d", again, len(entries), count)
		}
		for i, entry := range entries {
			if want := fmt.Sprintf("camera-%06d", i); entry.Name() != want {
				t.Fatalf("%s: entry %d is %s, want %s", again, i, entry.Name(), want)
			}
		}
		t.Logf("%s: %s", again, time.Since(begun))
	}
	now, most := resident(t, m)
	t.Logf("resident %d MiB, at most %d MiB", now>>20, most>>20)
	if most > 600<<20 { // under the race detector, which takes several times as much
		t.Errorf("the mount took %d MiB of memory", most>>20)
	}
	for _, i := range []int{0, count / 2, count - 1} {
		if info, err := os.Stat(m.Join(fmt.Sprintf("camera-%06d", i))); err != nil || !info.IsDir() {
			t.Errorf("stream %d: %v, %v", i, info, err)
		}
	}
}
