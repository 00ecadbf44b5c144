package main

import (
	"strings"

	"clipfs/fs"
	"clipfs/fs/mountinfo"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func completeMounts(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	all, err := mountinfo.List()
	if len(args) > 0 || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var mounts []string
	for _, info := range all {
		if info.FSType == fs.FSType {
			mounts = append(mounts, info.Mountpoint)
		}
	}
	return mounts, cobra.ShellCompDirectiveNoFileComp
}

func completeDirectory(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeFlags makes a shell complete what flags take: the values of one that says which there are (close|keep), else
// files and directories for those that are named so, else nothing.
func completeFlags(cmd *cobra.Command) {
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		kind, _ := pflag.UnquoteUsage(f)
		values, directive := []string(nil), cobra.ShellCompDirectiveNoFileComp
		switch {
		case strings.Contains(kind, "|"):
			values = strings.Split(kind, "|")
		case kind == "directory":
			directive = cobra.ShellCompDirectiveFilterDirs
		case kind == "file" || kind == "FILE" || strings.HasPrefix(kind, "NAME=FILE"):
			directive = cobra.ShellCompDirectiveDefault
		}
		// It fails only for a flag that has been given completions of its own.
		_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(values, directive))
	})
}
