package config

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// MountCommand is the command that defines all settings.
	MountCommand = "mount"
	// FileFlag names the config file.
	FileFlag = "config"
	// PrintFlag shows what is in force.
	PrintFlag = "print-config"
	// helpFlag and versionFlag are cobra's.
	helpFlag, versionFlag = "help", "version"

	// originNote, on a flag, says where its value comes from if neither from the command line nor its default.
	originNote = "clipfs-origin"
	// settingNote, on a flag, says that it can be set in the config file.
	settingNote = "clipfs-file"
)

// WithFile gives a command the flag --config. Of the file it takes the flags that are named, or all that the command has so far.
func WithFile(cmd *cobra.Command, names ...string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !isCommandLineOnly(f) && (len(names) == 0 || slices.Contains(names, f.Name)) {
			note(f, settingNote, "")
		}
	})
	cmd.Flags().String(FileFlag, "", "config `file`: flags as YAML, such as \"cache-size: 50GiB\"")
}

// settings gives the flags that a config file can have: those of clipfs mount. Other commands take the ones that they have.
func settings(root *cobra.Command) []*pflag.Flag {
	var all []*pflag.Flag
	for _, cmd := range root.Commands() {
		if cmd.Name() == MountCommand {
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				if IsSetting(f) {
					all = append(all, f)
				}
			})
		}
	}
	return all
}

func isCommandLineOnly(f *pflag.Flag) bool {
	return f.Name == helpFlag || f.Name == versionFlag || f.Name == PrintFlag
}

// IsSetting reports whether its command takes a flag from the config file.
func IsSetting(f *pflag.Flag) bool { return f.Annotations[settingNote] != nil }

// OriginOf tells where the value of a flag comes from.
func OriginOf(f *pflag.Flag) string {
	switch from := f.Annotations[originNote]; {
	case len(from) > 0:
		return from[0]
	case f.Changed:
		return "flag"
	}
	return "default"
}

func note(f *pflag.Flag, name, text string) {
	if f.Annotations == nil {
		f.Annotations = make(map[string][]string)
	}
	f.Annotations[name] = []string{text}
}
