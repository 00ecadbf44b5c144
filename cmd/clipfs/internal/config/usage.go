package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

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
