package main

import (
	"context"
	"io"
	"strings"

	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/doctor"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Run is the whole program.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return run(ctx, args, stdout, stderr)
}

// RunDoctor is Run of clipfs doctor on a machine that is not this one.
func RunDoctor(ctx context.Context, h doctor.Host, args []string, stdout, stderr io.Writer) int {
	root := rootCommand(nil)
	for _, cmd := range root.Commands() {
		if cmd.Name() == "doctor" {
			root.RemoveCommand(cmd)
		}
	}
	root.AddCommand(doctorCommand(h))
	return runTree(ctx, root, append([]string{"doctor"}, args...), stdout, stderr)
}

// CommandsWithConfig gives the commands other than clipfs mount that read a config file, with the flags that they take of it.
func CommandsWithConfig() map[string][]string {
	all := make(map[string][]string)
	root := RootCommand()
	for _, cmd := range config.CommandsBelow(root) {
		if cmd.Flags().Lookup(config.FileFlag) == nil || cmd.Name() == config.MountCommand {
			continue
		}
		path := strings.TrimPrefix(cmd.CommandPath(), root.Name()+" ")
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if config.IsSetting(f) {
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
