//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/cmd/internal/child"
	"clipfs/cmd/internal/harness"
)

// passed is what status.json says of files that the kernel reads by itself.
type passed struct {
	ReadBytes   float64 `json:"read_bytes"`
	OpenHandles float64 `json:"open_handles"`
	Passthrough struct {
		On          bool    `json:"on"`
		Cause       string  `json:"cause"`
		Opens       float64 `json:"opens"`
		OpenedBytes float64 `json:"opened_bytes"`
	} `json:"passthrough"`
}

func passedBy(t *testing.T, m *harness.Mount) (p passed) {
	t.Helper()
	text, err := os.ReadFile(m.Join(".clipfs", "status.json"))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPassthrough: a cached clip of one part is read by the kernel, also from the first open after a restart on; what is open or
// mapped outlives the cache's entry and the mount's process, and nobody but the kernel sees a read of it.
func TestPassthrough(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		harness.Skip(t, "the kernel takes files from root alone")
	}
	const auto = "--passthrough=auto" // whatever the other tests of this run use
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	m := harness.StartMount(t, e, auto)
	path := m.Join("testcard", nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute)), "1m.mp4")
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := passedBy(t, m)
	if !before.Passthrough.On {
		harness.Skip(t, "the kernel reads nothing by itself: %s", before.Passthrough.Cause)
	}
	readsAll := func(m *harness.Mount) {
		t.Helper()
		// The kernel tells of a close after it, and reads no file by itself beside a handle that is read through FUSE.
		eventually(t, "the file is closed", func() bool { return passedBy(t, m).OpenHandles == 0 })
		was := passedBy(t, m)
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %v; want %d", len(got), err, len(want))
		}
		is := passedBy(t, m)
		if is.Passthrough.Opens != was.Passthrough.Opens+1 || is.Passthrough.OpenedBytes != was.Passthrough.OpenedBytes+float64(len(want)) || is.ReadBytes != was.ReadBytes {
			t.Errorf("%+v after %+v; want one more open of %d bytes, and no read", is, was, len(want))
		}
	}
	readsAll(m)
	awaitProof(t, m.Cache)
	m.Stop(t, unix.SIGINT)
	m = harness.Remount(t, m, e, auto)
	readsAll(m) // the proof has outlived the restart

	// Open and mapped, then gone from the cache, then without a mount.
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // of a mount that was killed
	mapped, err := unix.Mmap(int(f.Fd()), 0, len(want), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mapped) }() // nothing was written
	right := func(when string) {
		t.Helper()
		got := make([]byte, len(want)+1)
		if n, err := f.ReadAt(got, 0); n != len(want) || err == nil || !bytes.Equal(got[:n], want) || !bytes.Equal(mapped, want) {
			t.Errorf("%s: %d bytes, %v, mapped right %t", when, n, err, bytes.Equal(mapped, want))
		}
	}
	right("open")
	if out, err := exec.CommandContext(t.Context(), harness.Binary(t), "cache", "clear", "--cache-dir", m.Cache).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	right("after its entry was removed")
	again, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(again, want) {
		t.Errorf("opened again beside it: %d bytes, %v", len(again), err)
	}
	m.Kill(t)
	right("after the mount was killed")
	if left, err := filepath.Glob(filepath.Join(m.Cache, "data2", "*.part")); err != nil || len(left) > 1 {
		t.Errorf("%v, %v", left, err)
	}
	if _, err := os.Open(path); !errors.Is(err, unix.ENOTCONN) {
		t.Errorf("%v; want that nothing serves the mount", err)
	}
	harness.Remount(t, m, e, auto)
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("mounted again: %d bytes, %v", len(got), err)
	}
	right("after it was mounted again")
}

// awaitProof waits until every clip in a cache is proven: half a minute after it was written, once the disk has it.
func awaitProof(t *testing.T, dir string) {
	t.Helper()
	const proof = 64 // bytes behind the checksums, zeros before it is written
	deadline := time.Now().Add(time.Minute)
	for {
		checks, err := filepath.Glob(filepath.Join(dir, "data2", "*.checks"))
		if err != nil || len(checks) == 0 {
			t.Fatalf("%d files of checksums, %v", len(checks), err)
		}
		proven := 0
		for _, path := range checks {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(text[len(text)-proof:], make([]byte, proof)) {
				proven++
			}
		}
		if proven == len(checks) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d clips are proven after a minute", proven, len(checks))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// TestPassthroughOff: with --passthrough off everything is read through FUSE.
func TestPassthroughOff(t *testing.T) {
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	m := harness.StartMount(t, e, "--passthrough", "off")
	path := m.Join("testcard", nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute)), "1m.mp4")
	for range 2 {
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if p := passedBy(t, m); p.Passthrough.On || p.Passthrough.Opens != 0 || p.Passthrough.Cause == "" || p.ReadBytes == 0 {
		t.Errorf("%+v; want it off, and why", p)
	}
}

// TestPassthroughWithoutPrivilege: a mount that the kernel takes no files from, as that of an ordinary user or in a user namespace,
// has everything read through FUSE, with the same bytes, and says why.
func TestPassthroughWithoutPrivilege(t *testing.T) {
	harness.Need(t, "unshare", "sh", "cat")
	harness.NeedFUSE(t)
	dir := t.TempDir()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	at := nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute))
	const script = `mkdir mnt
"$CLIPFS" mount --daemon --passthrough auto --endpoint-url "$ENDPOINT" --cache-dir cache --cache-min-free 0 --log-file log mnt
for n in 1 2 3; do cat "mnt/testcard/$AT/1m.mp4" > "read$n"; done
cat mnt/.clipfs/status.json > status.json
"$CLIPFS" umount mnt`
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	// What is left of it ends with its first process.
	run := exec.CommandContext(ctx, "unshare", "--user", "--map-root-user", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child", "sh", "-ec", script)
	run.Dir = dir
	run.Env = child.Environment("CLIPFS="+harness.Binary(t), "ENDPOINT="+e.Endpoint, "AT="+at)
	if out, err := run.CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log")) // only to show it
		t.Fatalf("%v\n%s%s", err, out, log)
	}
	var reads [3][]byte
	for i := range reads {
		var err error
		if reads[i], err = os.ReadFile(filepath.Join(dir, fmt.Sprint("read", i+1))); err != nil || len(reads[i]) == 0 || !bytes.Equal(reads[i], reads[0]) {
			t.Errorf("read %d: %d bytes, %v; want %d", i+1, len(reads[i]), err, len(reads[0]))
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "status.json"))
	var p passed
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil || p.Passthrough.On || p.Passthrough.Opens != 0 || p.Passthrough.Cause == "" || p.ReadBytes == 0 {
		t.Errorf("%+v, %v; want it off, and why", p, err)
	}
	t.Log(p.Passthrough.Cause)
}
