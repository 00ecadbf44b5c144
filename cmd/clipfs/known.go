package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clipfs/cmd/clipfs/internal/known"
	"clipfs/fs"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// statusCommandName is a command that only this program runs.
const statusCommandName = "mount-status"

// statusCommand is the process that reads the status of a mount: it hangs where the mount does, and can be left behind.
func statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:    statusCommandName + " MOUNTPOINT",
		Short:  "Write what a mount tells of itself",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE:   func(cmd *cobra.Command, args []string) error { return known.Copy(cmd.OutOrStdout(), args[0]) },
	}
}

// thisMachine is where the mounts are that a command may be asked about.
func thisMachine() known.Machine {
	return known.Here(func(ctx context.Context, mountpoint string) ([]byte, error) {
		return known.Read(ctx, mountpoint, statusCommandName)
	})
}

// The variables of the SDK that say one thing: whoever sets one of a group wants none of the others from elsewhere.
func variableGroups() [][]string {
	return [][]string{
		{"AWS_REGION", "AWS_DEFAULT_REGION"},
		{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN",
			"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
			"AWS_CONTAINER_CREDENTIALS_FULL_URI"},
		endpointVariables(),
	}
}

// endpointVariables are those by which the SDK is told an endpoint, the one that goes before the other first.
func endpointVariables() []string {
	return []string{"AWS_ENDPOINT_URL_KINESIS_VIDEO", "AWS_ENDPOINT_URL"}
}

// takeKnown gives the flags of a command that neither the command line, the environment nor the file of settings has set what
// is known of the mount at a path, or of the only one where it is empty. It says what is from where; failed has why
// a mount that runs does not tell.
func takeKnown(ctx context.Context, cmd *cobra.Command, on known.Machine, path string) (from []string, failed, err error) {
	if path != "" {
		if path, err = canonicalBelow(path); err != nil {
			return nil, nil, err
		}
	}
	all, err := on.Find(ctx, path)
	if err != nil {
		return nil, nil, fmt.Errorf("mounts: %w", err)
	}
	for _, s := range all {
		if s.Err != nil {
			failed = errors.Join(failed, s.Err)
			continue
		}
		names, err := takeFlags(cmd, s)
		if err != nil {
			return nil, nil, err
		}
		variables, err := takeVariables(cmd, s.Environment)
		if err != nil {
			return nil, nil, err
		}
		if names = append(names, variables...); len(names) > 0 {
			from = append(from, fmt.Sprintf("%s from %s", strings.Join(names, ", "), s.Source))
		}
	}
	return from, failed, nil
}

// canonicalBelow is fs.Canonical for a path that may not be there, or be on a mount, which is not touched.
func canonicalBelow(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for at := absolute; ; at = filepath.Dir(at) {
		real, err := fs.Canonical(at)
		if err == nil {
			rest, err := filepath.Rel(at, absolute)
			return filepath.Join(real, rest), err
		}
		if at == filepath.Dir(at) {
			return absolute, nil // it is nowhere
		}
	}
}

// takeFlags sets flags from settings and gives their names.
func takeFlags(cmd *cobra.Command, s known.Settings) (names []string, err error) {
	set := func(f *pflag.Flag, values []string) {
		if err != nil || f.Changed || !isInFile(f) || f.Name == "endpoint-url" && anySet(endpointVariables()) {
			return
		}
		if err = setFlag(cmd.Flags(), f, values); err != nil {
			err = fmt.Errorf("%s: %s: %w", s.Source, f.Name, err)
			return
		}
		setOrigin(f, s.Source)
		names = append(names, f.Name)
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if values, ok := s.Flags[f.Name]; ok {
			set(f, values)
		}
	})
	if err == nil && s.Config != "" {
		err = fromFileAt(cmd, s.Config, func(f *pflag.Flag) { names = append(names, f.Name) })
	}
	if f := cmd.Flags().Lookup("cache-dir"); f != nil && s.CacheDir != "" {
		set(f, []string{s.CacheDir})
	}
	return names, err
}

// takeVariables sets variables of which none of the group is set, and gives their names. Those of endpoints are the flag's.
func takeVariables(cmd *cobra.Command, environment map[string]string) (names []string, err error) {
	flag := cmd.Flags().Lookup("endpoint-url")
	if flag == nil { // it calls nobody
		return nil, nil
	}
	held := make(map[string]bool)
	for _, group := range variableGroups() {
		for _, name := range group {
			held[name] = anySet(group) || flag.Changed && slices.Contains(endpointVariables(), name)
		}
	}
	for name, value := range environment {
		if held[name] || anySet([]string{name}) {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return names, fmt.Errorf("%s: %w", name, err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// anySet reports whether any of some variables is set.
func anySet(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return os.Getenv(name) != "" })
}

// toldSettings gives the settings of a mount as others may see them: those that are not as by default, without what could be
// a secret in them.
func toldSettings(cmd *cobra.Command) map[string][]string {
	told := make(map[string][]string)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Changed || !isInFile(f) {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = slices.Clone(list.GetSlice())
		}
		for i := range values {
			values[i] = withoutSecrets(values[i])
		}
		told[f.Name] = values
	})
	endpoint := cmp.Or(os.Getenv(endpointVariables()[0]), os.Getenv(endpointVariables()[1]))
	if _, ok := told["endpoint-url"]; !ok && endpoint != "" && !strings.EqualFold(os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		told["endpoint-url"] = []string{withoutSecrets(endpoint)}
	}
	return told
}

// withoutSecrets takes user and query out of a URL. Anything else stays as it is.
func withoutSecrets(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
