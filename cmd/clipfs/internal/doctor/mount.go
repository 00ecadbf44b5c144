package doctor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"clipfs/cmd/clipfs/internal/self"

	"github.com/spf13/cobra"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/cmd/internal/fuseconn"
	"clipfs/fs"
	"clipfs/fs/mountinfo"
)

const (
	// readCommandName is the hidden command that the doctor runs to read from a mount.
	readCommandName = "doctor-read"
	// mountPoll is how often is looked whether the mount is there.
	mountPoll = 20 * time.Millisecond
	// endAfter is how long a mount may take to end before it is killed.
	endAfter = 10 * time.Second
)

// ReadCommand is clipfs doctor-read, which only clipfs doctor runs: a process that reads from a mount may hang and has to be
// killed.
func ReadCommand() *cobra.Command {
	return config.Hidden(readCommandName, "FILE", "Read a clip and tell what is in it", func(cmd *cobra.Command, path string) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		m, size, err := ReadMovie(f)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s, %s\n", config.Bytes(size), m)
		return err
	})
}

// mountAndRead reads the fragment through a mount: the one that runs on the mountpoint, else a temporary one of another
// process, which finds the fragment in the cache directory.
func (d *doctor) mountAndRead(ctx context.Context, dir, cacheDir string, c chosen) (found string, err error) {
	program := cmp.Or(d.Self, self.Program)
	mountpoint, running, remove, err := d.place(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if !running {
		end, err := d.startMount(ctx, program, mountpoint, cacheDir, c.stream.Name)
		defer func() { _ = end() }() // what it left is told below
		if err != nil {
			return "", err
		}
	}
	watched, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	if deadline, ok := ctx.Deadline(); ok && !running {
		fuseconn.Watch(watched, mountpoint, time.Until(deadline)+time.Second, func(error) {}) // the deadline is told
	}
	path := filepath.Join(mountpoint, pathOf(c.stream.Name, d.spanOf(c)))
	text, err := self.Run(ctx, program, readCommandName, path)
	if ctx.Err() != nil {
		err = fmt.Errorf("%s: not read in time", path)
	}
	if err != nil {
		return "", ailing(err, "look at the log of a mount (clipfs mount --log-level debug) and at dmesg")
	}
	if running {
		return fmt.Sprintf("read through the mount that runs on %s: %s", mountpoint, strings.TrimSpace(text)), nil
	}
	return "mounted, read and unmounted: " + strings.TrimSpace(text), nil
}

// place gives where to mount: a directory below dir, or the mountpoint that was named, which may have a mount.
func (d *doctor) place(dir string) (mountpoint string, running bool, remove func() error, err error) {
	if d.mountpoint == "" {
		mountpoint = filepath.Join(dir, "mnt")
		if err := os.Mkdir(mountpoint, 0o700); err != nil {
			return "", false, nil, ailing(err, "make space for temporary files, or set TMPDIR")
		}
		if mountpoint, err = fs.Canonical(mountpoint); err != nil {
			return "", false, nil, err
		}
		return mountpoint, false, func() error { return os.Remove(mountpoint) }, nil
	}
	mountpoint, err = fs.Canonical(d.mountpoint)
	if err != nil {
		return "", false, nil, ailing(fmt.Errorf("mountpoint %s: %w", d.mountpoint, err), "make the directory first, or name another")
	}
	info, err := mountinfo.Find(mountpoint)
	running = err == nil && info.FSType == fs.FSType
	if running && mount.IsStale(mountpoint) {
		return "", false, nil, ailing(fmt.Errorf("%s has a mount whose clipfs has died", mountpoint), "clipfs umount "+mountpoint+", and mount again")
	}
	return mountpoint, running, func() error { return nil }, nil
}

// startMount mounts in a process of its own and waits until the mount is there. end, which is to be called always, takes
// it away.
func (d *doctor) startMount(ctx context.Context, program, mountpoint, cacheDir string, name archive.StreamName) (end func() error, err error) {
	// The mount is to end if this process is killed; the kernel goes by the thread that started it.
	runtime.LockOSThread()
	args := []string{config.MountCommand, "--cache-dir", cacheDir, "--cache-size", fmt.Sprint(temporaryCache), "--cache-min-free", "0",
		"--timestamps", d.cfg.Selector.String(), "--stream", string(name), "--log-level", "error"}
	if d.cfg.EndpointURL != "" {
		args = append(args, "--endpoint-url", d.cfg.EndpointURL)
	}
	if d.cfg.InsecureEndpoint {
		args = append(args, "--insecure-endpoint")
	}
	if d.cfg.AllowOther {
		args = append(args, "--allow-other")
	}
	running, stop := context.WithCancel(ctx)
	var said bytes.Buffer
	cmd := exec.CommandContext(running, program, append(args, mountpoint)...)
	cmd.Env, cmd.Dir, cmd.Stderr = self.Environment(), "/", &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endAfter
	if err := cmd.Start(); err != nil {
		stop()
		return func() error { return nil }, err
	}
	var failed error // once ended is closed
	ended := make(chan struct{})
	go func() {
		failed = cmd.Wait()
		close(ended)
	}()
	end = func() error {
		stop()
		<-ended
		if _, err := mountinfo.Find(mountpoint); errors.Is(err, mountinfo.ErrNotMounted) {
			return nil
		}
		return fs.Detach(mountpoint)
	}
	tick := time.Tick(mountPoll)
	for {
		if info, err := mountinfo.Find(mountpoint); err == nil && info.FSType == fs.FSType {
			return end, nil
		}
		select {
		case <-ended:
			text := strings.TrimPrefix(strings.TrimSpace(said.String()), "clipfs mount: ")
			return end, ailing(fmt.Errorf("%s (%w)", text, failed), "do what it says; in a container mounting takes --device /dev/fuse --cap-add SYS_ADMIN")
		case <-ctx.Done():
			return end, ailing(errors.New("not mounted in time"), "look at dmesg, or give it more time with --timeout")
		case <-tick:
		}
	}
}

func pathOf(name archive.StreamName, span archive.Span) string {
	grammar := names.Grammar{}
	// With the zone, so that it is the same on a mount of any --timezone.
	return filepath.Join(string(name), grammar.FormatStart(span.Start, archive.Millisecond)+"Z", grammar.FormatFile(span.Length(), names.Movie))
}
