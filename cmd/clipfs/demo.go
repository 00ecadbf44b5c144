package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clipfs/cmd/clipfs/internal/self"

	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/cmd/internal/fuseconn"
	"clipfs/cmd/internal/logs"
	"clipfs/cmd/internal/metrics"

	"github.com/spf13/cobra"
)

const (
	// checkTimeout is how long the check may take before it is killed.
	checkTimeout = 30 * time.Second
	// abortAfter is when a check that not even a kill ends is freed by aborting the mount's connection.
	abortAfter = checkTimeout + 5*time.Second
)

type demoFlags struct {
	once  bool
	level slog.Level
}

func demoCommand() *cobra.Command {
	f := demoFlags{level: slog.LevelWarn}
	cmd := &cobra.Command{
		Use:   "demo [flags] [DIR]",
		Short: "Mount test cards and show them in a browser, without an account",
		Long: `Mount three cameras that show a test card (one with gaps, one that has been silent for hours) from an emulator in the same
process, and serve a page to look at them: no account and no network is needed. The demo prints the page's address, lists a
directory and reads a clip to show that it works, prints commands to try, and stays until it is interrupted. DIR is made if it does
not exist; without DIR a temporary directory is used.`,
		Example: "  clipfs demo\n  clipfs demo --once /tmp/cameras",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d := demo{demoFlags: f, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return d.run(cmd.Context(), args)
		},
	}
	cmd.Flags().BoolVar(&f.once, "once", false, "end after the check, with exit code 1 if it failed")
	cmd.Flags().Var(config.Level(&f.level), "log-level", "how much to log on stderr")
	return cmd
}

type demo struct {
	demoFlags
	stdout, stderr io.Writer
}

func (d *demo) run(ctx context.Context, args []string) (err error) {
	logger := slog.New(slog.NewTextHandler(d.stderr, &slog.HandlerOptions{Level: d.level}))
	if err := mount.CheckPrerequisites(); err != nil {
		return err
	}
	dir, remove, err := demoDir(args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	cacheDir, err := os.MkdirTemp("", "clipfs-demo-cache-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cacheDir)) }()
	mountpoint, err := mount.CheckMountpoint(dir, cacheDir, logger)
	if err != nil {
		return err
	}
	counted := metrics.New(metrics.Options{})
	service, end, err := demoArchive(ctx, logger, counted)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	endpoint, err := service.ControlEndpoint(ctx)
	if err != nil {
		return err
	}
	c := mount.Default()
	c.Web.Address = "127.0.0.1:0"
	c.CacheDir, c.Grace = cacheDir, 0                        // the test card is nothing to wait for
	c.Told = map[string][]string{"endpoint-url": {endpoint}} // for clipfs doctor
	return c.Serve(ctx, service, counted, mountpoint, logger, func(s *mount.Serving) error { return d.show(ctx, s, mountpoint) })
}

func demoDir(args []string) (dir string, remove func() error, err error) {
	keep := func() error { return nil }
	if len(args) == 0 {
		dir, err = os.MkdirTemp("", "clipfs-demo-")
		return dir, func() error { return removeDir(dir) }, err
	}
	dir = args[0]
	err = os.Mkdir(dir, 0o755)
	switch {
	case err == nil:
		return dir, func() error { return removeDir(dir) }, nil
	case errors.Is(err, os.ErrExist):
		return dir, keep, nil
	case errors.Is(err, os.ErrNotExist):
		return "", nil, fmt.Errorf("%s cannot be made: its parent directory does not exist", dir)
	}
	return "", nil, err
}

// removeDir removes a directory that was made here. It is rmdir alone, so that files put there stay.
func removeDir(dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("left behind: %w", err)
	}
	return nil
}

func (d *demo) show(ctx context.Context, s *mount.Serving, mountpoint string) error {
	d.say("%s  and on %s: Kinesis Video Streams, emulated\n\n", s.URL, mountpoint)
	file, failed := d.check(ctx, mountpoint)
	switch {
	case failed == nil && d.once: // nothing to try: the mount goes now
	case failed == nil:
		d.say("\n%s", suggestions(mountpoint, file))
	case !d.once:
		d.say("The check failed: %s\n", logs.OneLine(failed))
	}
	stay := ctx
	if d.once {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		stay = ended
	} else {
		d.say("\nPress Ctrl-C to unmount and end.\n")
	}
	return errors.Join(failed, s.Until(stay))
}

// say writes to stdout. Nobody can be told if that fails.
func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.stdout, format, args...) }

// check lists a directory and reads a clip through the mount, in a process of its own: one that serves a mount must not
// touch it. It gives the path of the clip, below the mountpoint.
func (d *demo) check(ctx context.Context, mountpoint string) (file string, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	checked, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	fuseconn.Watch(checked, mountpoint, abortAfter, func(err error) { _, _ = fmt.Fprintln(d.stderr, err) })

	said, err := self.Run(ctx, self.Program, checkCommandName, mountpoint)
	_, _ = io.WriteString(d.stdout, said)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("check of %s took longer than %s and was killed", mountpoint, checkTimeout)
	case ctx.Err() != nil:
		return "", errors.New("interrupted during the check")
	case err != nil:
		return "", fmt.Errorf("check of %s: %w", mountpoint, err)
	}
	_, file, _ = strings.Cut(said, readLine)
	file, _, _ = strings.Cut(file, ":  ")
	return file, nil
}

func suggestions(mountpoint, file string) string {
	path := filepath.Join(mountpoint, file)
	// Single quotes, as a shell reads them.
	quoted := func(p string) string { return "'" + strings.ReplaceAll(p, "'", `'\''`) + "'" }
	return fmt.Sprintf(`Try, in another terminal:
  ls -l %s
  ffprobe -hide_banner %s
  mpv %s
  cp %s clip.mp4
`, quoted(filepath.Join(mountpoint, demoStream, "latest")+"/"), quoted(path),
		quoted(filepath.Join(mountpoint, demoStream, "last", "5m.mp4")), quoted(path))
}
