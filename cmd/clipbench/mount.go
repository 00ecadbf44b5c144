package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"clipfs/cmd/internal/child"

	"clipfs/cmd/internal/fuseconn"
	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
)

const (
	// readyAfter is how long a mount may take to be ready.
	readyAfter = 60 * time.Second
	// watchdogAfter is how long a mount may live before its connection is aborted.
	watchdogAfter = 10 * time.Minute
	// sampledOften is how often memory is looked at that the kernel keeps no maximum of.
	sampledOften = 20 * time.Millisecond
	// ticksPerSecond is the unit of times in /proc (USER_HZ, the same on every machine).
	ticksPerSecond = 100
)

// mount is "clipfs mount" in a process of its own.
type mount struct {
	path, cache string
	// profiled says that it writes profiles.
	profiled bool
	// readyIn is the time from its start to when it served.
	readyIn time.Duration
	process *child.Process
	cancel  context.CancelFunc
}

// mount mounts the emulator's streams with a cache; "" gives it a new one.
func (b *bench) mount(ctx context.Context, cache string, args ...string) (*mount, error) {
	return b.mountAt(ctx, b.endpoint, cache, args...)
}

// mountAt mounts the streams of any endpoint.
func (b *bench) mountAt(ctx context.Context, endpoint, cache string, args ...string) (*mount, error) {
	var err error
	if cache == "" {
		if cache, err = os.MkdirTemp(b.dir, "cache-"); err != nil {
			return nil, err
		}
	}
	path, err := os.MkdirTemp(b.dir, "mnt-")
	if err != nil {
		return nil, err
	}
	m := &mount{path: path, cache: cache, profiled: b.profile != ""}
	all := []string{"mount", "--endpoint-url", endpoint, "--cache-dir", cache}
	if m.profiled {
		b.profiles++
		all = append(all, "--pprof-dir", filepath.Join(b.profile, b.task, strconv.Itoa(b.profiles)))
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m.cancel = cancel
	fuseconn.Watch(watching, path, watchdogAfter, func(err error) { b.say("watchdog: %v", err) })
	began := time.Now()
	if m.process, err = child.Start(b.binary, nil, append(append(all, args...), path)...); err != nil {
		cancel()
		return nil, err
	}
	if err := m.process.AwaitReady(ctx, "msg=serving"); err != nil {
		return nil, errors.Join(err, m.stop())
	}
	m.readyIn = time.Since(began)
	return m, nil
}

func (m *mount) stop() error {
	defer m.cancel()
	return endMount(m.process, m.path)
}

// endMount ends the process of a mount, and removes its mountpoint.
func endMount(p *child.Process, mountpoint string) error {
	err := p.Stop(os.Interrupt)
	if _, found := mountinfo.Find(mountpoint); found == nil {
		err = errors.Join(err, unix.Unmount(mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
	}
	return errors.Join(err, os.Remove(mountpoint))
}

func (m *mount) end(err *error) {
	*err = errors.Join(*err, m.stop(), os.RemoveAll(m.cache))
}

// clip gives the path of a clip of a length, such as "10m", from a time on.
func (m *mount) clip(stream string, at time.Time, length string) string {
	return filepath.Join(m.path, stream, at.UTC().Format("2006-01-02T15:04"), length+".mp4")
}

func (m *mount) heapProfile() {
	if m.profiled {
		_ = m.process.Cmd.Process.Signal(syscall.SIGUSR1) // if it has ended, that shows elsewhere
	}
}

// cpu gives the CPU time that the mount's process has used, in user and kernel mode.
func (m *mount) cpu() (time.Duration, error) { return cpuOf(m.process) }

// cpuOf gives the CPU time that a process has used, in user and kernel mode.
func cpuOf(p *child.Process) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name of the program may have spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("proc stat %q", text)
	}
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	system, errSystem := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond, errors.Join(errUser, errSystem)
}

// resident gives how much memory the mount's process has now and had at most, in MiB.
func (m *mount) resident() (now, most float64, err error) {
	now, errNow := m.memory("VmRSS")
	most, errMost := m.memory("VmHWM")
	return now, most, errors.Join(errNow, errMost)
}

// memory gives a line of what the kernel tells of the memory of the mount's process, in MiB (proc(5), status).
func (m *mount) memory(name string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.process.Cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+) kB$`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no %s in proc status", name)
	}
	kB, err := strconv.ParseFloat(string(found[1]), 64)
	return kB / 1024, err
}

// anonymous samples how much of the memory of the mount's process is backed by no file, until the most of it is asked for, in MiB.
func (m *mount) anonymous() (most func() (float64, error)) {
	end, done := make(chan struct{}), make(chan error, 1)
	var seen float64
	go func() {
		tick := time.Tick(sampledOften)
		for {
			now, err := m.memory("RssAnon")
			if seen = max(seen, now); err != nil {
				done <- err
				return
			}
			select {
			case <-tick:
			case <-end:
				done <- nil
				return
			}
		}
	}()
	return func() (float64, error) {
		close(end)
		return seen, <-done
	}
}
