package config

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Prefix begins the names of all our variables.
const Prefix = "CLIPFS_"

// requireAllVariable is for our tests: nothing may be skipped.
const requireAllVariable = Prefix + "REQUIRE_ALL"

// variable is the name of the variable that stands for a flag: CLIPFS_CACHE_DIR for --cache-dir.
func variable(flag string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Settle sets the flags of a command that the command line has not set: from the environment, then from the config file.
func Settle(cmd *cobra.Command, environ []string) error {
	if err := fromEnvironment(cmd, environ); err != nil {
		return err
	}
	return fromFile(cmd)
}

// fromEnvironment sets flags from variables. A flag that can be repeated takes one value a line. A variable of ours that is
// no flag of any command only causes a warning: Kubernetes sets such names for a service that is called clipfs.
func fromEnvironment(cmd *cobra.Command, environ []string) error {
	values := make(map[string]string)
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, Prefix) {
			values[name] = value
		}
	}
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		value, ok := values[variable(f.Name)]
		if !ok || f.Changed || failed != nil || isCommandLineOnly(f) {
			return
		}
		if err := setFlag(f, split(f, value)); err != nil {
			failed = Usagef("%s=%q: %w", variable(f.Name), value, err)
			return
		}
		note(f, originNote, "environment, "+variable(f.Name))
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
func setFlag(f *pflag.Flag, values []string) error {
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

func warnOfUnknown(cmd *cobra.Command, values map[string]string) {
	var known []string
	for _, c := range append(CommandsBelow(cmd.Root()), cmd.Root()) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !isCommandLineOnly(f) {
				known = append(known, variable(f.Name))
			}
		})
	}
	var unknown []string
	for name := range values {
		if name != requireAllVariable && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		meant := Meant(name, known)
		if flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, Prefix), "_", "-")); ofTheSDK(flag) != "" {
			meant = hint(flag, nil)
		}
		cmd.PrintErrf("%s: warning: %s in the environment is no flag and does nothing%s\n", cmd.CommandPath(), name, meant)
	}
}
