package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// goFUSE is the module whose version matters for how the mount behaves.
const goFUSE = "github.com/hanwen/go-fuse/v2"

// versionCommand is clipfs version.
func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Tell what this binary was built from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), describe(info))
			return err
		},
	}
}

// describe writes a binary's build info for people, one fact a line.
func describe(info *debug.BuildInfo) string {
	version, commit, modified, fuse := info.Main.Version, "unknown", "", "unknown"
	if version == "" {
		version = "unknown"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = " (modified)"
		}
	}
	for _, m := range info.Deps {
		if m.Path == goFUSE {
			fuse = m.Version
		}
	}
	return fmt.Sprintf("clipfs  %s\ncommit  %s%s\ngo      %s %s/%s\ngo-fuse %s\n",
		version, commit, modified, runtime.Version(), runtime.GOOS, runtime.GOARCH, fuse)
}
