//go:build containers && e2e

package packaging_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// bootWithin is how long the machine may take to boot, to end, and a unit to be as it should.
const bootWithin = 2 * time.Minute

// guest is a Debian that systemd-nspawn boots: a small one from debootstrap, below a layer of its own.
type guest struct {
	t    *testing.T
	root string
	// init is the number of its first process, and ended is closed when it has ended.
	init  int
	ended chan struct{}
	log   *bytes.Buffer
}

// debian gives the tree of a small Debian with systemd, which is made once and kept with the tools of the tests.
func debian(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(cache, "clipfs-ci", "debian-bookworm")
	if _, err := os.Stat(tree); err == nil {
		return tree
	}
	ctx, cancel := context.WithTimeout(t.Context(), packageTimeout)
	defer cancel()
	unfinished := tree + ".new"
	if err := errors.Join(os.RemoveAll(unfinished), os.MkdirAll(filepath.Dir(tree), 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus,fuse3,procps", "bookworm", unfinished)
	if mirror := mirror(); mirror != "" {
		cmd.Args = append(cmd.Args, mirror)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, out)
	}
	if err := os.Rename(unfinished, tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

// mirror gives where this machine has its own packages from; empty if that cannot be told.
func mirror() string {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, path := range append([]string{"/etc/apt/sources.list"}, files...) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(text)) {
			if strings.HasPrefix(word, "http") && !strings.Contains(word, "security") && !strings.Contains(word, "snapshot") {
				return word
			}
		}
	}
	return ""
}

// newGuest gives a guest that has not been booted, with the package to be installed in /tmp.
func newGuest(t *testing.T) *guest {
	t.Helper()
	base, layers := debian(t), t.TempDir()
	g := &guest{t: t, root: filepath.Join(layers, "root"), log: new(bytes.Buffer)}
	upper, work := filepath.Join(layers, "upper"), filepath.Join(layers, "work")
	err := errors.Join(os.Mkdir(g.root, 0o755), os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755),
		unix.Mount("overlay", g.root, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", base, upper, work)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.halt()
		if err := unix.Unmount(g.root, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("console:\n%s", g.log)
		}
	})
	// Kept over a boot, for the tests to look at.
	if err := os.MkdirAll(filepath.Join(g.root, "var/log/journal"), 0o755); err != nil {
		t.Fatal(err)
	}
	return g
}

// write writes a file of the guest.
func (g *guest) write(path, text string) {
	g.t.Helper()
	at := filepath.Join(g.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
		g.t.Fatal(err)
	}
}

// boot boots it and waits until it is up. It shares this machine's loopback, where the emulator is.
func (g *guest) boot() {
	g.t.Helper()
	cmd := exec.Command("systemd-nspawn", "--quiet", "--directory="+g.root, "--register=no", "--keep-unit", "--bind=/dev/fuse",
		"--machine=clipfs-"+strconv.Itoa(os.Getpid()), "--boot", "--console=pipe")
	cmd.Stdout, cmd.Stderr = g.log, g.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	ended := make(chan struct{})
	g.ended = ended
	go func() {
		_ = cmd.Wait() // it says nothing of what matters here
		close(ended)
	}()
	g.init = 0
	g.eventually("the guest has a first process", func() bool {
		g.init = child(cmd.Process.Pid)
		return g.init > 0
	})
	g.eventually("the guest is up", func() bool {
		out, _ := g.try("systemctl", "is-system-running")
		state := strings.TrimSpace(out)
		return state == "running" || state == "degraded"
	})
}

// child gives the first child of a process that is an init; 0 while there is none.
func child(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	for _, field := range strings.Fields(string(text)) {
		n, err := strconv.Atoi(field)
		if comm, rerr := os.ReadFile("/proc/" + field + "/comm"); err == nil && rerr == nil && strings.TrimSpace(string(comm)) == "systemd" {
			return n
		}
	}
	return 0
}

// halt powers it off, if it is up, and waits until it has ended.
func (g *guest) halt() {
	if g.init == 0 {
		return
	}
	_, _ = g.try("systemctl", "poweroff")
	g.awaitEnd()
}

// awaitEnd waits until it has ended, and kills it if it does not.
func (g *guest) awaitEnd() {
	g.t.Helper()
	timer := time.NewTimer(bootWithin)
	defer timer.Stop()
	select {
	case <-g.ended:
	case <-timer.C:
		g.t.Errorf("the guest has not ended within %s", bootWithin)
		_ = syscall.Kill(g.init, syscall.SIGKILL)
		<-g.ended
	}
	g.init = 0
}

// try runs a program in the guest and gives what it said.
func (g *guest) try(args ...string) (string, error) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bootWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--target", strconv.Itoa(g.init), "--mount", "--pid", "--uts", "--ipc", "--root", "--wd=/"}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs a program in the guest, which has to succeed.
func (g *guest) run(args ...string) string {
	g.t.Helper()
	out, err := g.try(args...)
	if err != nil {
		g.t.Fatalf("in the guest: %q: %v\n%s", args, err, out)
	}
	return out
}

// eventually waits until something holds.
func (g *guest) eventually(what string, holds func() bool) {
	g.t.Helper()
	for deadline := time.Now().Add(bootWithin); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			journal, _ := g.try("journalctl", "--no-pager", "-n", "60")
			g.t.Fatalf("not within %s: %s\n%s", bootWithin, what, journal)
		}
	}
}

// property gives a property of a unit.
func (g *guest) property(unit, name string) string {
	g.t.Helper()
	out, _ := g.try("systemctl", "show", "--property="+name, "--value", unit)
	return strings.TrimSpace(out)
}

// journal gives what the boot before said of a unit, line by line.
func (g *guest) journal(args ...string) []string {
	g.t.Helper()
	var lines []string
	for s := bufio.NewScanner(strings.NewReader(g.run(append([]string{"journalctl", "--no-pager", "-o", "cat"}, args...)...))); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

// needGuest skips where a guest cannot be had.
func needGuest(t *testing.T) {
	t.Helper()
	harness.NeedFUSE(t)
	harness.Need(t, "systemd-nspawn", "debootstrap", "nsenter", "dpkg-deb")
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can boot a guest")
	}
}
