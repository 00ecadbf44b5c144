package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// UsageError is a mistake in how a command was called.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef makes a UsageError as fmt.Errorf does.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// ofTheSDK gives the variable for a setting of the AWS SDK that is often looked for among our flags; "" for any other.
func ofTheSDK(name string) string {
	switch name {
	case "region", "aws-region", "default-region":
		return "AWS_REGION"
	case "profile", "aws-profile":
		return ProfileVariable
	}
	return ""
}

// ProfileVariable names a profile for the SDK's default chain.
const ProfileVariable = "AWS_PROFILE"

// hint says what may have been meant by a setting that does not exist, if anything is near.
func hint(name string, known []string) string {
	if v := ofTheSDK(name); v != "" {
		return fmt.Sprintf(": set %s, as for other programs on AWS", v)
	}
	return Meant(name, known)
}

// ExplainFlag makes a UsageError of what cobra says of a flag, with what may have been meant by an unknown one.
func ExplainFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return &UsageError{err}
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
	return Usagef("%w%s", err, hint(name, names))
}

// Meant asks whether the nearest of the known names was meant; "" where none is near.
func Meant(name string, known []string) string {
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

// CommandsBelow gives all commands below one.
func CommandsBelow(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range cmd.Commands() {
		all = append(append(all, c), CommandsBelow(c)...)
	}
	return all
}

// Hidden is a command that only this program runs, in a process of its own, with one argument.
func Hidden(name, argument, short string, run func(cmd *cobra.Command, argument string) error) *cobra.Command {
	return &cobra.Command{Use: name + " " + argument, Short: short, Hidden: true, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return run(cmd, args[0])
	}}
}

// Group is a command that does nothing but have others below it.
func Group(name, short, long string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: name, Short: short, Long: long, Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return Usagef("no command %q", args[0])
		}
		var names []string
		for _, c := range commands {
			names = append(names, c.Name())
		}
		last := len(names) - 1
		return Usagef("name a command: %s or %s", strings.Join(names[:last], ", "), names[last])
	}}
	group.AddCommand(commands...)
	return group
}

// WriteJSON writes a value for people and programs.
func WriteJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// Optional gives the argument of a command that takes one at most; "" for none.
func Optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
