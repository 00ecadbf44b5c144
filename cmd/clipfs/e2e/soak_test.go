//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// soakVariable says how long TestSoak runs; .ci/soak sets it.
const soakVariable = "E2E_SOAK"

const (
	// soakFor is how long it runs if nothing is said.
	soakFor = 12 * time.Second
	// soakReaders is how many readers there are where it is told how long to run, shortReaders where it runs among the other
	// tests, as a race detector makes everything ten times slower. soakStreams is how many streams, each of eight clips.
	soakReaders  = 256
	shortReaders = 64
	soakStreams  = 8
	// soakShare is which part of all bytes the cache has room for.
	soakShare = 10
)

// TestSoak: many readers do all that programs do to 64 clips, and programs do it too, with a cache of a tenth of them, while
// the archive fails now and then. Every byte is compared with the source; the mount takes no more memory, descriptors or
// goroutines the longer it runs, and its cache is within its budget whenever one looks.
func TestSoak(t *testing.T) {
	lasts, readers := soakFor, shortReaders
	if text := os.Getenv(soakVariable); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", soakVariable, err)
		}
		readers = soakReaders
	}
	var args, streams []string
	for i := range soakStreams {
		streams = append(streams, fmt.Sprintf("camera-%d", i))
		args = append(args, "--stream", streams[i]+"=testcard")
	}
	e := harness.StartEmulator(t, append(args, "--quota", "off")...)
	s := newSource(t, e, streams)
	budget := s.size() / soakShare
	// What fails comes right within seconds: the deadline is so long that it only passes where something hangs, however slow
	// this machine is.
	m := harness.StartMount(t, e, "--cache-size", fmt.Sprint(budget), "--memory", "64MiB", "--metadata-ttl", "5s", "--log-level", "info",
		"--metrics", "127.0.0.1:0", "--log-format", "json", "--read-timeout", "2m")
	for _, rule := range []string{
		"kind=close,api=GetClip,at=50%,p=0.05", "kind=reset,api=ListFragments,p=0.05", "kind=status,api=GetClip,status=503,p=0.05",
		"kind=throttle,api=GetClip,p=0.02",
	} {
		e.Fault(t, rule)
	}
	w := &soak{source: s, mount: m, budget: budget, readers: readers, copies: t.TempDir()}
	w.run(t, lasts)
	if n := w.reads.Load(); n < int64(readers) {
		t.Errorf("%d things were done, want some by each reader", n)
	}
	for i, p := range soakPrograms() {
		if w.programs[i].Load() == 0 {
			t.Errorf("nobody has run %s", p.name)
		}
		t.Logf("%s: %d times", p.name, w.programs[i].Load())
	}
	t.Logf("%s: %d things done, of which %d looked at the live edge and %d found it changed under an open file; %d clips of %d bytes, cache %d bytes",
		lasts, w.reads.Load(), w.edges.Load(), w.changed.Load(), len(s.clips), s.size(), budget)
	// When nobody reads any more all of it goes away again.
	eventually(t, "goroutines end and files are closed", func() bool {
		return goroutines(t, m) < 100 && descriptors(t, m) < 100
	})
	if out, err := exec.CommandContext(t.Context(), harness.Binary(t), "cache", "verify", "--cache-dir", m.Cache).CombinedOutput(); err != nil {
		t.Errorf("cache verify: %v\n%s", err, out)
	}
}

// size is how many bytes all clips have together.
func (s *source) size() (n int64) {
	for _, c := range s.clips {
		n += int64(len(c.bytes))
	}
	return n
}

// soak is a soak under way.
type soak struct {
	source *source
	mount  *harness.Mount
	budget int64
	// readers is how many there are.
	readers int
	// copies is a directory for what is copied.
	copies string

	// reads is how many things were done, edges how many of them at the live edge, where changed found the footage changed
	// under an open file.
	reads, edges, changed atomic.Int64
	// programs is how often each program was run.
	programs [soakKinds]atomic.Int64
}

// run lets all readers read for a time, and samples.
func (s *soak) run(t *testing.T, lasts time.Duration) {
	t.Helper()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	moves := make([]atomic.Int64, s.readers) // when each did its last thing
	for reader := range s.readers {
		random := rand.New(rand.NewPCG(1, uint64(reader)))
		moves[reader].Store(time.Now().UnixNano())
		wg.Go(func() {
			for turn := 0; ; turn++ {
				select {
				case <-stop:
					return
				default:
				}
				begun := time.Now()
				var err error
				if reader%soakDirect == 0 {
					err = s.program(t, reader/soakDirect+turn, random)
				} else {
					err = s.one(random)
				}
				if err != nil {
					t.Errorf("reader %d, after %s: %v", reader, time.Since(begun).Round(time.Millisecond), err)
				}
				s.reads.Add(1)
				moves[reader].Store(time.Now().UnixNano())
			}
		})
	}
	samples := func() []soakSample {
		defer wg.Wait()
		defer close(stop)
		return s.sample(t, lasts, moves)
	}()
	s.flat(t, samples)
}

// one does one thing.
func (s *soak) one(random *rand.Rand) error {
	clip := s.source.clips[random.IntN(len(s.source.clips))]
	if random.IntN(50) > 0 {
		return clip.readSome(s.mount, random)
	}
	stream := filepath.Dir(filepath.Dir(s.mount.Join(clip.path)))
	switch random.IntN(3) {
	case 0:
		return s.edge(clip, filepath.Join(stream, "last", "10s.mp4"))
	case 1:
		return second(os.ReadDir(stream))
	}
	return second(os.Readlink(filepath.Join(stream, "latest")))
}

// edge reads at the live edge, of which no one knows what it is to hold. Opening works whatever arrives meanwhile; what is open
// may change.
func (s *soak) edge(clip *sourceClip, path string) error {
	s.edges.Add(1)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if n, err := f.Seek(0, 2); err != nil || n != info.Size() {
		return clip.wrong("the live edge has %d bytes, stat says %d, %v", n, info.Size(), err)
	}
	_, err = f.ReadAt(make([]byte, min(4096, info.Size())), 0)
	if errors.Is(err, syscall.ESTALE) {
		s.changed.Add(1)
		return nil
	}
	return err
}

// soakSample is what a mount takes at a moment.
type soakSample struct {
	resident, descriptors, goroutines int64
}

// stuckAfter is how long a reader may take for one thing: all deadlines passed one after the other.
const stuckAfter = 5 * time.Minute

// sample looks at the mount twenty times, and fails where the cache is past its budget or a reader is stuck.
func (s *soak) sample(t *testing.T, lasts time.Duration, moves []atomic.Int64) (samples []soakSample) {
	t.Helper()
	most := int64(0)
	for range 20 {
		time.Sleep(lasts / 20)
		now, _ := resident(t, s.mount)
		samples = append(samples, soakSample{resident: now, descriptors: int64(descriptors(t, s.mount)), goroutines: goroutines(t, s.mount)})
		used := diskUse(t, s.mount.Cache)
		if most = max(most, used); used > s.budget {
			t.Errorf("the cache has %d bytes, and %d are allowed", used, s.budget)
		}
		for i := range moves {
			if since := time.Since(time.Unix(0, moves[i].Load())); since > stuckAfter {
				t.Fatalf("reader %d has done nothing for %s", i, since)
			}
		}
	}
	if t.Logf("the cache had %d bytes at most, of %d", most, s.budget); most < s.budget/2 {
		t.Errorf("the cache was never half full: %d of %d bytes", most, s.budget)
	}
	return samples
}

// goroutines counts those of a mount, by its metrics. A mount that is kept busy may not answer in time; it is asked again.
func goroutines(t *testing.T, m *harness.Mount) int64 {
	t.Helper()
	url := m.MetricsURL(t)
	var failed error
	for range 5 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if failed = err; err != nil {
			continue
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close() // it was read to its end, or failed
		http.DefaultClient.CloseIdleConnections()
		_, rest, ok := strings.Cut(string(text), "\ngo_goroutines ")
		line, _, _ := strings.Cut(rest, "\n")
		n, parsed := strconv.ParseInt(line, 10, 64)
		if failed = errors.Join(err, parsed); failed == nil && ok {
			return n
		}
	}
	t.Fatalf("no metrics: %v", failed)
	return 0
}

// diskUse gives how many bytes the files of a cache take, but for the index of sizes and the hours, which have bounds of their own.
// Another process looks: who reads a directory holds it locked while the names are copied into his memory. The tests' process maps
// files of the mount, so that its memory may wait for the mount, which would wait for the directory.
func diskUse(t *testing.T, cache string) (n int64) {
	t.Helper()
	out, complaints, err := harness.TryRun(t, "find", filepath.Join(cache, "data2"), filepath.Join(cache, "heads", "data2"), "-type", "f", "-printf", "%b\n")
	if err != nil && len(complaints) == 0 {
		t.Error(err)
	}
	for line := range strings.Lines(string(complaints)) {
		if !strings.Contains(line, "No such file") { // it has gone in this moment
			t.Errorf("%v: %s", err, line)
		}
	}
	for line := range strings.Lines(string(out)) {
		blocks, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Errorf("find says %q", line)
		}
		n += blocks * 512
	}
	return n
}

// flat fails if what the mount takes grows: the last quarter of samples against the second, as the first is for warming up.
func (s *soak) flat(t *testing.T, samples []soakSample) {
	t.Helper()
	n := len(samples)
	for _, kind := range []struct {
		name string
		of   func(soakSample) int64
		// room is for what happens to be under way when it is looked at.
		room int64
	}{
		{"memory", func(s soakSample) int64 { return s.resident }, 96 << 20},
		{"descriptors", func(s soakSample) int64 { return s.descriptors }, 128},
		{"goroutines", func(s soakSample) int64 { return s.goroutines }, 2 * int64(s.readers)},
	} {
		mean := func(from, to int) (sum int64) {
			for _, sample := range samples[from:to] {
				sum += kind.of(sample)
			}
			return sum / int64(to-from)
		}
		early, late := mean(n/4, n/2), mean(3*n/4, n)
		t.Logf("%s: %d, then %d", kind.name, early, late)
		if late > early+early/4+kind.room {
			t.Errorf("%s grew from %d to %d", kind.name, early, late)
		}
	}
}
