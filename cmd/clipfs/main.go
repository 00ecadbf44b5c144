package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // for --timezone where the machine has no database, as in a small container

	"clipfs/cmd/clipfs/internal/background"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signals = append(signals, syscall.SIGHUP) // a mount must not outlive its terminal as a stale one
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(runAs(ctx, os.Args, os.Stdout, os.Stderr))
}

// run is the whole program: it runs the command that args name until it is done or ctx ends, and gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return runTree(ctx, rootCommand(args), args, stdout, stderr)
}

// runTree runs the command of a tree that args name.
func runTree(ctx context.Context, root *cobra.Command, args []string, stdout, stderr io.Writer) int {
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var ended *background.EndedError
	if errors.As(err, &ended) { // it has said why
		return ended.Code
	}
	var wrong *usageError
	if errors.As(err, &wrong) {
		_, _ = fmt.Fprintf(stderr, "%s: %s (see %s --help)\n", cmd.CommandPath(), oneLine(err), cmd.CommandPath())
		return exitUsage
	}
	_, _ = fmt.Fprintf(stderr, "%s: %s\n", cmd.CommandPath(), oneLine(err))
	return exitFailed
}

// usageError is an error of whoever called the command.
type usageError struct{ err error }

// Error implements error.
func (e *usageError) Error() string { return e.err.Error() }

// Unwrap gives what is wrong.
func (e *usageError) Unwrap() error { return e.err }

// oneLine gives an error's text as one line.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(c rune) bool { return c == '\n' || c == '\r' }), "; ")
}

// rootCommand gives the tree of commands, for a program that was run with args.
func rootCommand(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "clipfs",
		Short: "Kinesis Video Streams as files",
		Long: `clipfs mounts the archive of Amazon Kinesis Video Streams as a read-only tree of MP4 files:
front-door/2024-01-01T10:00/10m.mp4 is ten minutes of the stream front-door.

Every flag can be set in the environment too: --cache-dir is CLIPFS_CACHE_DIR. Those of "clipfs mount" can also stand in
a file of settings, --config FILE. A flag goes before the environment, and that before the file.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Errorf("no command %q%s", args[0], meant(args[0], commandNames(cmd)))}
			}
			return &usageError{errors.New("name a command")}
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return settle(cmd, os.Environ())
		},
	}
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{explainFlag(cmd, err)} })
	root.Version = buildVersion().describe()
	root.SetVersionTemplate("{{.Version}}")
	root.AddCommand(mountCommand(args), umountCommand(), demoCommand(), demoCheckCommand(), emulatorCommand(), cacheCommand(), warmCommand(), versionCommand())
	root.AddCommand(pathCommand(), manCommand(), probeCommand(), statusCommand())
	root.AddCommand(doctorCommand(thisHost()), doctorReadCommand())
	for _, cmd := range commandsBelow(root) {
		completeFlags(cmd)
		if check := cmd.Args; check != nil {
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				if err := check(cmd, args); err != nil {
					return &usageError{err}
				}
				return nil
			}
		}
	}
	return root
}

// commandNames gives the names of the commands right below one, without those that only this program runs.
func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// commandsBelow gives all commands below one.
func commandsBelow(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range cmd.Commands() {
		all = append(append(all, c), commandsBelow(c)...)
	}
	return all
}
