package main

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"

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

// RootCommand gives the tree of commands.
func RootCommand() *cobra.Command { return rootCommand() }

// CheckMountpoint gives the canonical path of a directory that can be mounted on.
func CheckMountpoint(path, cacheDir string) (string, error) {
	return checkMountpoint(path, cacheDir, slog.New(slog.DiscardHandler))
}

// Describe writes build info for people.
func Describe(info *debug.BuildInfo) string { return describe(info) }

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
