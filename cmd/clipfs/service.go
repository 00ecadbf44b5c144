package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"clipfs/cmd/clipfs/internal/background"

	"github.com/spf13/cobra"
)

// serviceFlags are the flags of clipfs mount that say how it begins and ends.
type serviceFlags struct {
	// args are those that the whole program was run with.
	args []string

	daemon  bool
	logFile string
	grace   duration
	source  string

	// process is this one if it runs in the background, crashes where it writes what stderr is for.
	process *background.Process
	crashes *os.File
	// unlogged says that nobody takes the log.
	unlogged bool
}

// defaultServiceFlags gives the flags as they are where none is set.
func defaultServiceFlags() serviceFlags {
	return serviceFlags{grace: duration(defaultGrace)}
}

// bind makes the flags.
func (f *serviceFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.daemon, "daemon", false, "serve in the background: return when the mount serves, or why it does not")
	flags.StringVar(&f.logFile, "log-file", "", "append the log to a `file` (default stderr; with --daemon syslog)")
	flags.Var(&f.grace, "grace", "how long to serve what is open when told to end; 0 not to")
	flags.StringVar(&f.source, "fsname", "", "what the table of mounts says is mounted")
	_ = flags.MarkHidden("fsname") // for mount(8)
}

// launch runs run, which is to log to what it is given, or has a process in the background do so.
func (f *serviceFlags) launch(ctx context.Context, stderr io.Writer, run func(log io.Writer) error) error {
	if f.daemon {
		if f.process = background.Inherited(); f.process == nil {
			return background.Start(ctx, stderr, programName, f.args...)
		}
	}
	log, end, err := f.openLog(stderr)
	if err != nil {
		return err
	}
	err = run(log)
	if err != nil && f.process != nil { // nobody may be there any more to read it from stderr
		_, _ = fmt.Fprintf(log, "level=ERROR msg=%q\n", oneLine(err))
	}
	return errors.Join(err, end())
}

// ready is called when the mount serves.
func (f *serviceFlags) ready(stderr io.Writer) error {
	if f.process == nil {
		return nil
	}
	if f.unlogged {
		_, _ = fmt.Fprintf(stderr, "%s: warning: there is no syslog here, so nothing is logged: name a --log-file\n", programName)
	}
	return f.process.Ready(f.crashes)
}

// openLog gives where log lines go, and what ends that.
func (f *serviceFlags) openLog(stderr io.Writer) (log io.Writer, end func() error, err error) {
	none := func() error { return nil }
	switch {
	case f.logFile != "":
		path, err := filepath.Abs(f.logFile)
		if err != nil {
			return nil, nil, err
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
		if err != nil {
			return nil, nil, fmt.Errorf("log file: %w", err)
		}
		f.crashes = file
		return file, file.Close, nil
	case f.process == nil:
		return stderr, none, nil
	}
	log, closed, err := dialLog()
	if err != nil {
		f.unlogged = true
		return io.Discard, none, nil //nolint:nilerr // said when the mount is ready
	}
	return log, closed, nil
}

// dialLog connects to the system's log.
func dialLog() (io.Writer, func() error, error) {
	s, err := background.DialSyslog("", programName)
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}

// programName is what this program is called.
const programName = "clipfs"

// duration is a flag for a time that can be 0.
type duration time.Duration

// String implements pflag.Value.
func (v *duration) String() string { return time.Duration(*v).String() }

// Set implements pflag.Value.
func (v *duration) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf("%q: want a time, such as 30s", s)
	}
	*v = duration(d)
	return nil
}

// Type implements pflag.Value.
func (v *duration) Type() string { return "duration" }
