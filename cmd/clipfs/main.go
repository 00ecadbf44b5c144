package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // for --timezone where the machine has no database, as in a small container

	"clipfs/cmd/internal/build"

	"clipfs/cmd/clipfs/internal/background"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/doctor"
	"clipfs/cmd/clipfs/internal/known"
	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/cmd/internal/logs"

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

func runTree(ctx context.Context, root *cobra.Command, args []string, stdout, stderr io.Writer) int {
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if ended, ok := errors.AsType[*background.EndedError](err); ok { // it has said why
		return ended.Code
	}
	if errors.As(err, new(*config.UsageError)) {
		_, _ = fmt.Fprintf(stderr, "%s: %s (see %s --help)\n", cmd.CommandPath(), logs.OneLine(err), cmd.CommandPath())
		return exitUsage
	}
	_, _ = fmt.Fprintf(stderr, "%s: %s\n", cmd.CommandPath(), logs.OneLine(err))
	return exitFailed
}

// rootCommand gives the tree of commands, for a program that was run with args.
func rootCommand(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "clipfs",
		Short: "Kinesis Video Streams as files",
		Long: `clipfs mounts the archive of Amazon Kinesis Video Streams as a read-only tree of MP4 files:
front-door/2024-01-01T10:00/10m.mp4 is ten minutes of the stream front-door.

Every flag can also be set in the environment: --cache-dir is CLIPFS_CACHE_DIR. Flags of "clipfs mount" can also be set in
a config file, --config FILE. The command line counts before the environment, and the environment before the file.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return config.Usagef("no command %q%s", args[0], config.Meant(args[0], commandNames(cmd)))
			}
			return config.Usagef("name a command")
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return config.Settle(cmd, os.Environ())
		},
	}
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return config.ExplainFlag(cmd, err) })
	root.Version = build.Read().String()
	root.SetVersionTemplate("{{.Version}}")
	root.AddCommand(mountCommand(args), serveCommand(args), umountCommand(), demoCommand(), demoCheckCommand(), emulatorCommand(), cacheCommand(), sharedCommand(), warmCommand(), versionCommand())
	root.AddCommand(pathCommand(), manCommand(), mount.ProbeCommand(), statusCommand())
	root.AddCommand(doctorCommand(thisHost()), doctor.ReadCommand())
	for _, cmd := range config.CommandsBelow(root) {
		completeFlags(cmd)
		if check := cmd.Args; check != nil {
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				if err := check(cmd, args); err != nil {
					return &config.UsageError{Err: err}
				}
				return nil
			}
		}
	}
	return root
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// thisHost is this machine, as the doctor sees it.
func thisHost() doctor.Host { return doctor.Host{UID: os.Geteuid(), Known: thisMachine()} }

func doctorCommand(on doctor.Host) *cobra.Command {
	cmd := doctor.Command(on)
	cmd.ValidArgsFunction = completeDirectory
	return cmd
}

const statusCommandName = "mount-status"

// statusCommand is the process that reads the status of a mount: it hangs where the mount does, and can be left behind.
func statusCommand() *cobra.Command {
	return config.Hidden(statusCommandName, "MOUNTPOINT", "Write the status of a mount", func(cmd *cobra.Command, mountpoint string) error {
		return known.Copy(cmd.OutOrStdout(), mountpoint)
	})
}

// thisMachine finds the mounts that a command may be asked about.
func thisMachine() known.Machine {
	return known.Here(func(ctx context.Context, mountpoint string) ([]byte, error) {
		return known.Read(ctx, mountpoint, statusCommandName)
	})
}
