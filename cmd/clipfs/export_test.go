package main

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"

	"clipfs/cmd/clipfs/internal/known"
	"clipfs/fs/mountinfo"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Run is the whole program.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return run(ctx, args, stdout, stderr)
}

// FromEnvironment sets the flags of a command from variables.
func FromEnvironment(cmd *cobra.Command, environ []string) error {
	return fromEnvironment(cmd, environ)
}

// Settle gives the flags of a command their values from the environment and the file of settings.
func Settle(cmd *cobra.Command, environ []string) error { return settle(cmd, environ) }

// OriginOf tells where the value of a flag comes from.
func OriginOf(f *pflag.Flag) string { return originOf(f) }

// PrintConfig writes what is in force as a file of settings.
func PrintConfig(cmd *cobra.Command, out io.Writer) error { return printConfig(cmd, out) }

// WriteSample writes a file of settings for people to edit.
func WriteSample(cmd *cobra.Command, out io.Writer) error { return writeSample(cmd, out) }

// Host is the machine as the doctor sees it; what is left out is as it is here.
type Host struct {
	Device, Conf, Helper, Release string
	UID                           int
	Self                          string
	// Known is where it looks for mounts; the zero value is nowhere.
	Known known.Machine
}

// RunDoctor is Run of clipfs doctor on a machine that is not this one.
func RunDoctor(ctx context.Context, h Host, args []string, stdout, stderr io.Writer) int {
	on := thisHost()
	on.self, on.conf, on.uid, on.machine = h.Self, h.Conf, h.UID, h.Known
	if h.Device != "" {
		on.device = h.Device
	}
	if h.Helper != "" {
		on.helpers = []string{h.Helper}
	}
	if h.Release != "" {
		on.release = func() (string, error) { return h.Release, nil }
	}
	root := rootCommand(nil)
	for _, cmd := range root.Commands() {
		if cmd.Name() == "doctor" {
			root.RemoveCommand(cmd)
		}
	}
	root.AddCommand(doctorCommand(on))
	return runTree(ctx, root, append([]string{"doctor"}, args...), stdout, stderr)
}

// CommandsWithConfig gives the commands other than clipfs mount that read a file of settings, with the flags that they take
// of it.
func CommandsWithConfig() map[string][]string {
	all := make(map[string][]string)
	root := RootCommand()
	for _, cmd := range commandsBelow(root) {
		if cmd.Flags().Lookup(configFlag) == nil || cmd.Name() == mountName {
			continue
		}
		path := strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if isInFile(f) {
				all[path] = append(all[path], f.Name)
			}
		})
	}
	return all
}

// MountCommand gives clipfs mount alone, without the tree.
func MountCommand() *cobra.Command { return mountCommand(nil) }

// RootCommand gives the tree of commands.
func RootCommand() *cobra.Command { return rootCommand(nil) }

// CheckMountpoint gives the canonical path of a directory that can be mounted on.
func CheckMountpoint(path, cacheDir string) (string, error) {
	return checkMountpoint(path, cacheDir, slog.New(slog.DiscardHandler))
}

// Describe writes build info for people.
func Describe(info *debug.BuildInfo) string { return versionOf(info).describe() }

// Values gives a fresh flag value of each kind, by what it is for.
func Values() map[string]pflag.Value {
	return map[string]pflag.Value{
		"size": new(byteSize), "zone": new(zone), "names": new(names), "selector": new(selector), "level": new(level),
		"positive": new(positive), "age": new(age), "share": new(share),
	}
}

// Bytes gives the bytes of a size, -1 for another kind of value.
func Bytes(v pflag.Value) int64 {
	size, ok := v.(*byteSize)
	if !ok {
		return -1
	}
	return int64(*size)
}

// GuardValues gives a fresh flag value of each kind that says who may do what, and how much.
func GuardValues() map[string]pflag.Value {
	return map[string]pflag.Value{
		"programs": new(programs), "limit": new(fetchLimit), "mode": new(mode), "id": new(id),
	}
}

// Unseen tells why the host of a container does not see a mount.
func Unseen(mountpoint string, ours, host []mountinfo.Info) (cause, remedy string) {
	return unseen(mountpoint, ours, host)
}
