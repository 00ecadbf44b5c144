package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// environmentPrefix begins the names of all our variables.
const environmentPrefix = "CLIPFS_"

// requireAllVariable is for our tests: nothing may be skipped.
const requireAllVariable = environmentPrefix + "REQUIRE_ALL"

// variable is the name of the variable that stands for a flag: CLIPFS_CACHE_DIR for --cache-dir.
func variable(flag string) string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags of a command that were not given from the variables that were. A flag that can be
// repeated takes one value a line. A variable of ours that is no flag of any command is warned of, not refused:
// Kubernetes sets such names for a service that is called clipfs.
func fromEnvironment(cmd *cobra.Command, environ []string) error {
	values := make(map[string]string)
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, environmentPrefix) {
			values[name] = value
		}
	}
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		value, ok := values[variable(f.Name)]
		if !ok || f.Changed || failed != nil || isCommandLineOnly(f) {
			return
		}
		if err := setFlag(cmd.Flags(), f, split(f, value)); err != nil {
			failed = &usageError{fmt.Errorf("%s=%q: %w", variable(f.Name), value, err)}
			return
		}
		setOrigin(f, "environment, "+variable(f.Name))
	})
	if failed != nil {
		return failed
	}
	warnOfUnknown(cmd, values)
	return nil
}

// split gives the values in a text: its lines for a flag that can be repeated, else all of it.
func split(f *pflag.Flag, text string) []string {
	if _, isList := f.Value.(pflag.SliceValue); !isList {
		return []string{text}
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// setFlag sets a flag as if it had been given with each of the values; with none, a list becomes empty. If it fails,
// the command must not run.
func setFlag(flags *pflag.FlagSet, f *pflag.Flag, values []string) error {
	if list, ok := f.Value.(pflag.SliceValue); ok && len(values) == 0 {
		f.Changed = true
		return list.Replace(nil)
	}
	for _, value := range values {
		if err := f.Value.Set(value); err != nil {
			return err
		}
	}
	f.Changed = true
	return nil
}

// warnOfUnknown names the variables that no command has a flag for.
func warnOfUnknown(cmd *cobra.Command, values map[string]string) {
	known := map[string]bool{requireAllVariable: true}
	for _, c := range append(commandsBelow(cmd.Root()), cmd.Root()) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !isCommandLineOnly(f) {
				known[variable(f.Name)] = true
			}
		})
	}
	var unknown, names []string
	for name := range values {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	for name := range known {
		if name != requireAllVariable {
			names = append(names, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		cmd.PrintErrf("%s: warning: %s in the environment is no flag and does nothing%s\n", cmd.CommandPath(), name, hintVariable(name, names))
	}
}

// hintVariable is hint for the name of a variable.
func hintVariable(name string, known []string) string {
	flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, environmentPrefix), "_", "-"))
	if ofTheSDK(flag) != "" {
		return hint(flag, nil)
	}
	return meant(name, known)
}
