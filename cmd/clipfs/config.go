package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// helpFlag and versionFlag are cobra's.
	helpFlag, versionFlag = "help", "version"
	// configFlag names the file of settings, printConfigFlag shows what is in force.
	configFlag, printConfigFlag = "config", "print-config"

	// originNote, onFlag, says where the flag's value comes from if neither from the command line nor its default.
	originNote = "clipfs-origin"
	// fileNote, on a flag, says that it can be set in the file of settings.
	fileNote = "clipfs-file"
)

// settle gives the flags of a command that were not given their values from the environment and then, where that has
// none, from the file of settings.
func settle(cmd *cobra.Command, environ []string) error {
	if err := fromEnvironment(cmd, environ); err != nil {
		return err
	}
	return fromFile(cmd)
}

// withConfig gives a command the flag --config. Of the file it takes the flags that are named, or all that it has. It is
// to be called when the command has its other flags.
func withConfig(cmd *cobra.Command, names ...string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !isCommandLineOnly(f) && (len(names) == 0 || slices.Contains(names, f.Name)) {
			note(f, fileNote, "")
		}
	})
	cmd.Flags().String(configFlag, "", "`file` of settings: flags as YAML, such as \"cache-size: 50GiB\"")
}

// settings gives the flags that a file of settings can have: those of clipfs mount. Other commands take of it what they
// have.
func settings(root *cobra.Command) []*pflag.Flag {
	var all []*pflag.Flag
	for _, cmd := range root.Commands() {
		if cmd.Name() == mountName {
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				if isInFile(f) {
					all = append(all, f)
				}
			})
		}
	}
	return all
}

// isCommandLineOnly reports whether a flag cannot be set in the environment.
func isCommandLineOnly(f *pflag.Flag) bool {
	return f.Name == helpFlag || f.Name == versionFlag || f.Name == printConfigFlag
}

// isInFile reports whether its command takes a flag from the file of settings.
func isInFile(f *pflag.Flag) bool { return f.Annotations[fileNote] != nil }

// setOrigin notes where the value of a flag comes from.
func setOrigin(f *pflag.Flag, origin string) { note(f, originNote, origin) }

// originOf tells where the value of a flag comes from.
func originOf(f *pflag.Flag) string {
	switch from := f.Annotations[originNote]; {
	case len(from) > 0:
		return from[0]
	case f.Changed:
		return "flag"
	}
	return "default"
}

// note makes a note on a flag.
func note(f *pflag.Flag, name, text string) {
	if f.Annotations == nil {
		f.Annotations = make(map[string][]string)
	}
	f.Annotations[name] = []string{text}
}

// ofTheSDK gives the variable for a setting that is the AWS SDK's and none of ours, as people look for it among our flags.
func ofTheSDK(name string) string {
	switch name {
	case "region", "aws-region", "default-region":
		return regionVariable
	case "profile", "aws-profile":
		return profileVariable
	}
	return ""
}

// regionVariable names a region for the SDK's default chain.
const regionVariable = "AWS_REGION"

// hint says what may have been meant by the name of a setting that there is not, if that can be told.
func hint(name string, known []string) string {
	if v := ofTheSDK(name); v != "" {
		return fmt.Sprintf(": set %s, as for other programs on AWS", v)
	}
	return meant(name, known)
}

// explainFlag adds to the error of an unknown flag what may have been meant.
func explainFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	name := unknown.GetSpecifiedName()
	if ofTheSDK(name) == "" {
		name = "--" + name
	}
	return fmt.Errorf("%w%s", err, hint(name, names))
}

// meant asks whether one of the names was meant that are known, if any is near.
func meant(name string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	distance := func(other string) int { return levenshtein.ComputeDistance(name, other) }
	nearest := slices.MinFunc(known, func(a, b string) int {
		return cmp.Or(cmp.Compare(distance(a), distance(b)), cmp.Compare(a, b))
	})
	if distance(nearest) > max(2, len(name)/3) {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", nearest)
}
