package config

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

// variableGroups are variables of the SDK that belong together: where one of a group is set, none of the others is taken from
// elsewhere.
func variableGroups() [][]string {
	return [][]string{
		{"AWS_REGION", "AWS_DEFAULT_REGION"},
		{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN",
			"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
			"AWS_CONTAINER_CREDENTIALS_FULL_URI"},
		EndpointVariables(),
	}
}

// EndpointVariables name an endpoint for the SDK. The first that is set counts.
func EndpointVariables() []string {
	return []string{"AWS_ENDPOINT_URL_KINESIS_VIDEO", "AWS_ENDPOINT_URL"}
}

// Taken is what a command takes from the mount that it is about.
type Taken struct {
	// Mountpoint is where the mount is or is to be; empty where nothing is known.
	Mountpoint string
	// Told says that a source has told its settings, From which were taken, and from where.
	Told bool
	From []string
	// Err says why a mount that runs does not tell.
	Err error
}

// TakeKnown sets the flags that neither the command line, the environment nor the config file has set, from what is known of
// the mount at a path, or of the only mount where path is empty.
func TakeKnown(ctx context.Context, cmd *cobra.Command, on known.Machine, path string) (t Taken, err error) {
	if path != "" {
		if path, err = canonicalBelow(path); err != nil {
			return t, err
		}
	}
	all, err := on.Find(ctx, path)
	if err != nil {
		return t, fmt.Errorf("mounts: %w", err)
	}
	for _, s := range all {
		t.Mountpoint = s.Mountpoint
		if s.Err != nil {
			t.Err = errors.Join(t.Err, s.Err)
			continue
		}
		t.Told = true
		names, err := takeFlags(cmd, s)
		if err != nil {
			return t, err
		}
		variables, err := takeVariables(cmd, s.Environment)
		if err != nil {
			return t, err
		}
		if names = append(names, variables...); len(names) > 0 {
			t.From = append(t.From, fmt.Sprintf("%s from %s", strings.Join(names, ", "), s.Source))
		}
	}
	return t, nil
}

// canonicalBelow is fs.Canonical for a path that may not exist, or lie on a mount, which is not touched.
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

func takeFlags(cmd *cobra.Command, s known.Settings) (names []string, err error) {
	set := func(f *pflag.Flag, values []string) {
		if err != nil || f.Changed || !IsSetting(f) || f.Name == "endpoint-url" && AnySet(EndpointVariables()) {
			return
		}
		if err = setFlag(f, values); err != nil {
			err = fmt.Errorf("%s: %s: %w", s.Source, f.Name, err)
			return
		}
		note(f, originNote, s.Source)
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

// takeVariables sets the variables of groups in which none is set. A flag for the endpoint counts as its variables.
func takeVariables(cmd *cobra.Command, environment map[string]string) (names []string, err error) {
	flag := cmd.Flags().Lookup("endpoint-url")
	if flag == nil { // it makes no calls
		return nil, nil
	}
	held := make(map[string]bool)
	for _, group := range variableGroups() {
		for _, name := range group {
			held[name] = AnySet(group) || flag.Changed && slices.Contains(EndpointVariables(), name)
		}
	}
	for name, value := range environment {
		if held[name] || AnySet([]string{name}) {
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

// AnySet reports whether any of the variables is set.
func AnySet(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return os.Getenv(name) != "" })
}

// Told gives the settings of a mount that are set, as others may see them: without anything that could be a secret.
func Told(cmd *cobra.Command) map[string][]string {
	told := make(map[string][]string)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Changed || !IsSetting(f) {
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
	endpoint := cmp.Or(os.Getenv(EndpointVariables()[0]), os.Getenv(EndpointVariables()[1]))
	if _, ok := told["endpoint-url"]; !ok && endpoint != "" && !strings.EqualFold(os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		told["endpoint-url"] = []string{withoutSecrets(endpoint)}
	}
	return told
}

// withoutSecrets takes user and query out of a URL. Other texts stay as they are.
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
