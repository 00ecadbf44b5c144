package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"clipfs/cmd/clipfs/internal/config"

	main "clipfs/cmd/clipfs"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// mountCommand gives a fresh clipfs mount, in its tree of commands.
func mountCommand(t *testing.T) *cobra.Command {
	t.Helper()
	cmd, _, err := main.RootCommand().Find([]string{"mount"})
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}

// freshFlag gives a flag of clipfs mount as it is where nothing is set.
func freshFlag(t *testing.T, name string) *pflag.Flag {
	t.Helper()
	return main.MountCommand().Flags().Lookup(name)
}

// settingsOf gives the names of the flags of clipfs mount that are settings: all but those that are about one run.
func settingsOf(t *testing.T) []string {
	t.Helper()
	var names []string
	main.MountCommand().Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains([]string{"config", "print-config", "help"}, f.Name) {
			names = append(names, f.Name)
		}
	})
	return names
}

// valuesFor gives two texts that a flag takes, and that give it two values other than its default where it can have
// so many.
func valuesFor(t *testing.T, name string) (one, other string) {
	t.Helper()
	candidates := []string{"true", "false", "7", "9", "70s", "90s", "7d", "9d", "77MiB", "123456789", "7%", "Europe/Berlin",
		"Asia/Tokyo", "1", "2", "0.5", "0.25", "0440", "0550", "127.0.0.1:9464", "127.0.0.1:9465", "7GiB/day", "9GiB/day", "7MB/s", "9MB/s", "7.5s", "none", "some", "s3://footage", "s3://other/prefix"}
	var texts, values []string
	f := freshFlag(t, name)
	values = append(values, f.Value.String()) // the default
	for _, text := range append(strings.Split(f.Value.Type(), "|"), candidates...) {
		g := freshFlag(t, name)
		if g.Value.Set(text) != nil || slices.Contains(values, g.Value.String()) {
			continue
		}
		if texts, values = append(texts, text), append(values, g.Value.String()); len(texts) == 2 {
			break
		}
	}
	switch len(texts) {
	case 0:
		t.Fatalf("--%s takes none of %q: add one that it takes", name, candidates)
	case 1:
		return texts[0], f.DefValue
	}
	return texts[0], texts[1]
}

// valueAfter gives the value that a text gives a flag.
func valueAfter(t *testing.T, name, text string) string {
	t.Helper()
	f := freshFlag(t, name)
	if err := f.Value.Set(text); err != nil {
		t.Fatalf("--%s %s: %v", name, text, err)
	}
	return f.Value.String()
}

// settled gives the flag of a mount that was given args, an environment and a file.
func settled(t *testing.T, name string, args, environ []string, file string) *pflag.Flag {
	t.Helper()
	cmd := main.MountCommand()
	new(cobra.Command).AddCommand(cmd) // the other commands, which take long to make, have no say in it
	cmd.SetErr(new(bytes.Buffer))
	if file != "" {
		path := filepath.Join(t.TempDir(), "clipfs.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := config.Settle(cmd, environ); err != nil {
		t.Fatal(err)
	}
	return cmd.Flags().Lookup(name)
}

// TestEveryFlagIsASetting: each flag of clipfs mount, whoever adds it, is set by the environment and by the file, a flag
// goes before the environment and that before the file, and what --print-config shows says so.
func TestEveryFlagIsASetting(t *testing.T) {
	for _, name := range settingsOf(t) {
		t.Run(name, func(t *testing.T) {
			one, other := valuesFor(t, name)
			first, second := valueAfter(t, name, one), valueAfter(t, name, other)
			if first == second {
				t.Fatalf("%q and %q are one value, %s", one, other, first)
			}
			variable := "CLIPFS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
			flag := func(text string) []string { return []string{"--" + name + "=" + text} }
			env := func(text string) []string { return []string{variable + "=" + text} }
			file := func(text string) string { return fmt.Sprintf("# a comment\n%s: %s\n", name, text) }
			for _, test := range []struct {
				what    string
				got     *pflag.Flag
				want    string
				origins string
			}{
				{"nothing", settled(t, name, nil, nil, ""), freshFlag(t, name).Value.String(), "^default$"},
				{"flag", settled(t, name, flag(one), nil, ""), first, "^flag$"},
				{"environment", settled(t, name, nil, env(one), ""), first, "^environment, " + variable + "$"},
				{"file", settled(t, name, nil, nil, file(one)), first, `^file, .*/clipfs\.yaml:2$`},
				{"flag before environment", settled(t, name, flag(one), env(other), ""), first, "^flag$"},
				{"flag before file", settled(t, name, flag(one), nil, file(other)), first, "^flag$"},
				{"environment before file", settled(t, name, nil, env(one), file(other)), first, "^environment, "},
				{"environment before file, the other way", settled(t, name, nil, env(other), file(one)), second, "^environment, "},
				{"all", settled(t, name, flag(other), env(one), file(one)), second, "^flag$"},
			} {
				if got := test.got.Value.String(); got != test.want {
					t.Errorf("%s: %s = %s, want %s", test.what, name, got, test.want)
				}
				if got := config.OriginOf(test.got); !regexp.MustCompile(test.origins).MatchString(got) {
					t.Errorf("%s: %s is said to come from %q, want %s", test.what, name, got, test.origins)
				}
			}
		})
	}
}

// TestPrintedSettingsReadBack: what --print-config shows is a file of settings that gives the same values again, for
// values of all kinds.
func TestPrintedSettingsReadBack(t *testing.T) {
	for _, take := range []func(one, other string) string{
		func(one, _ string) string { return one }, func(_, other string) string { return other },
	} {
		var environ []string
		for _, name := range settingsOf(t) {
			if one, other := valuesFor(t, name); take(one, other) != "" {
				environ = append(environ, "CLIPFS_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+take(one, other))
			}
		}
		printed := func(cmd *cobra.Command) string {
			var out bytes.Buffer
			if err := config.Print(cmd, &out); err != nil {
				t.Fatal(err)
			}
			return out.String()
		}
		cmd := mountCommand(t)
		if err := config.Settle(cmd, environ); err != nil {
			t.Fatal(err)
		}
		text := printed(cmd)
		again := mountCommand(t)
		path := filepath.Join(t.TempDir(), "printed.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := config.Settle(again, []string{"CLIPFS_CONFIG=" + path}); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, name := range settingsOf(t) {
			if want, got := cmd.Flags().Lookup(name).Value.String(), again.Flags().Lookup(name).Value.String(); got != want {
				t.Errorf("%s = %s when read back, want %s", name, got, want)
			}
		}
		comment := regexp.MustCompile(`(?m) +# .*$`)
		if diff := cmp.Diff(comment.ReplaceAllString(text, ""), comment.ReplaceAllString(printed(again), "")); diff != "" {
			t.Errorf("printed again (-first +again):\n%s", diff)
		}
	}
}

func TestPrintConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.yaml")
	text := "stream:\n- door\n- yard # the one behind\ncache-size: 50GiB\nstream-prefix: \"a: b # c\"\nallow-other: true\ndeny: [updatedb, scan]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CLIPFS_CONFIG", path)
	t.Setenv("CLIPFS_CACHE_SIZE", "7GiB")
	t.Setenv("CLIPFS_CACHE_SIZ", "8GiB")
	code, stdout, stderr := invoke(t, "mount", "--print-config", "--connections", "3")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	wantLine(t, stderr, "warning", "CLIPFS_CACHE_SIZ ", "did you mean CLIPFS_CACHE_SIZE?")
	for _, want := range []string{
		`(?m)^connections: 3 +# flag$`,
		`(?m)^cache-size: 7GiB +# environment, CLIPFS_CACHE_SIZE$`,
		`(?m)^stream: +# file, ` + path + `:1\n +- door\n +- yard$`,
		`(?m)^stream-prefix: 'a: b # c' +# file, ` + path + `:5$`,
		`(?m)^gap: 1s +# default$`,
		`(?m)^deny: +# file, ` + path + `:7\n +- scan\n +- updatedb$`,
		`(?m)^cache-dir: /.*/clipfs +# default$`,
		`(?m)^# endpoint-url: "" +# default$`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("does not show %s:\n%s", want, stdout)
		}
	}
	var values map[string]any
	if err := yaml.Unmarshal([]byte(stdout), &values); err != nil || values["connections"] != 3 || values["allow-other"] != true {
		t.Errorf("as YAML: %v, %v", values, err)
	}
	for _, hidden := range []string{"pprof-dir", "print-config", "config:"} {
		if strings.Contains(stdout, "\n"+hidden) {
			t.Errorf("shows %s", hidden)
		}
	}
	if code, _, stderr := invoke(t, "mount", "--print-config", "--connections", "0"); code != 2 {
		t.Errorf("settings that mount refuses: exit code %d, %s; want 2", code, stderr)
	}
}

func TestWrongConfig(t *testing.T) {
	for _, test := range []struct {
		name, text string
		says       []string
	}{
		{"unknown key", "cache-size: 1GiB\n\ncache-dri: /x\n", []string{":3: ", `"cache-dri"`, "did you mean cache-dir?"}},
		{"underscore", "cache_size: 1GiB\n", []string{":1: ", `"cache_size"`, "did you mean cache-size?"}},
		{"nothing near", "aws-secret-access-key: hunter2\n", []string{":1: ", `"aws-secret-access-key" is no setting`}},
		{"of another command", "json: true\n", []string{":1: ", `"json"`}},
		{"in a section", "mount:\n  cache-size: 1GiB\n", []string{":2: ", "mount", "value"}},
		{"config in itself", "config: other.yaml\n", []string{":1: ", "config", "command line"}},
		{"print-config", "print-config: true\n", []string{":1: ", "command line"}},
		{"bad value", "gap: 1s\ncache-size: much\n", []string{":2: ", "cache-size", "much", "10GiB"}},
		{"bad number", "connections: many\n", []string{":1: ", "connections", "many"}},
		{"refused by mount", "connections: 0\n", []string{"connections 0", "at least 1"}},
		{"list for one", "gap: [1s, 2s]\n", []string{":1: ", "gap", "not a list"}},
		{"list in a list", "stream: [[a]]\n", []string{":1: ", "stream"}},
		{"no value", "gap:\n", []string{":1: ", "gap has no value"}},
		{"twice", "gap: 1s\nmemory: 1GiB\ngap: 2s\n", []string{":3: ", "gap", "line 1"}},
		{"not YAML", "gap: 1s\n\t: [\n", []string{":2: "}},
		{"no mapping", "- gap\n", []string{":1: ", "cache-size: 50GiB"}},
		{"two documents", "gap: 1s\n---\ngap: 2s\n", []string{"one YAML document"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "clipfs.yaml")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := invoke(t, "mount", "--config", path, "--print-config")
			if code != 2 || stdout != "" {
				t.Errorf("exit code %d, stdout %q; want 2 and nothing", code, stdout)
			}
			if test.name != "refused by mount" {
				test.says = append(test.says, path)
			}
			wantLine(t, stderr, test.says...)
			if strings.Contains(stderr, "hunter2") {
				t.Errorf("shows a value that may be secret: %s", stderr)
			}
		})
	}
	code, _, stderr := invoke(t, "mount", "--config", "/nowhere/clipfs.yaml", "--print-config")
	if code != 1 {
		t.Errorf("no such file: exit code %d, want 1", code)
	}
	wantLine(t, stderr, "--config", "/nowhere/clipfs.yaml")
}

// TestConfigOfOtherCommands: a command takes of the file what it has as a flag, and no less is checked.
func TestConfigOfOtherCommands(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "clipfs.yaml")
	// A --stream of "cache clear" would be a choice, not a setting.
	if err := os.WriteFile(path, []byte("cache-dir: "+dir+"\nstream: [door]\nconnections: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	clearing, _, err := main.RootCommand().Find([]string{"cache", "clear"})
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Settle(clearing, []string{"CLIPFS_CONFIG=" + path}); err != nil {
		t.Fatal(err)
	}
	if got := clearing.Flags().Lookup("cache-dir").Value.String(); got != dir {
		t.Errorf("cache clear: --cache-dir = %q, want that of the file, %q", got, dir)
	}
	if f := clearing.Flags().Lookup("stream"); f.Changed {
		t.Errorf("cache clear: --stream = %s, want none of the file", f.Value)
	}
	if err := os.WriteFile(path, []byte("cache-dri: "+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := invoke(t, "cache", "ls", "--config", path); code != 2 || !strings.Contains(stderr, "cache-dri") {
		t.Errorf("cache ls with an unknown key: exit code %d, %s; want 2", code, stderr)
	}
}

// TestEveryCommandTakesItsSettings: what another command takes of the file is a setting of the mount, and is taken.
func TestEveryCommandTakesItsSettings(t *testing.T) {
	commands, taken := main.CommandsWithConfig(), 0
	for path, flags := range commands {
		for _, name := range flags {
			one, _ := valuesFor(t, name) // as clipfs mount takes it
			cmd, _, err := main.RootCommand().Find(strings.Fields(path))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "clipfs.yaml")
			if err := os.WriteFile(file, []byte(name+": "+one+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := config.Settle(cmd, []string{"CLIPFS_CONFIG=" + file}); err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if got, want := cmd.Flags().Lookup(name).Value.String(), valueAfter(t, name, one); got != want {
				t.Errorf("%s: --%s = %s of a file with %s", path, name, got, one)
			}
			taken++
		}
	}
	if len(commands) < 4 || taken < 9 {
		t.Errorf("%d settings of %d commands, want those of cache ls, verify and clear, and of doctor at least", taken, len(commands))
	}
}

// TestNoSettingIsASecret: a file of settings can be read by many, and --print-config shows it.
func TestNoSettingIsASecret(t *testing.T) {
	for _, name := range settingsOf(t) {
		for _, word := range []string{"secret", "password", "token", "credential", "access-key"} {
			if strings.Contains(name, word) {
				t.Errorf("--%s can be set in a file: secrets come from where the SDK finds them, and nowhere else", name)
			}
		}
	}
}

// TestSample: the sample that is shipped has every setting with its default, as the flags have it now.
func TestSample(t *testing.T) {
	const path = "packaging/clipfs.yaml"
	var want bytes.Buffer
	if err := config.WriteSample(mountCommand(t), &want); err != nil {
		t.Fatal(err)
	}
	const update = "CLIPFS_TEST_UPDATE"
	if os.Getenv(update) == "1" {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s is stale: %s=1 go test ./cmd/clipfs -run TestSample (-want +got):\n%s", path, update, diff)
	}
	// With the first character of each setting's line gone it is a file that says what the defaults are.
	real := regexp.MustCompile(`(?m)^#([a-z]|    - )`).ReplaceAllString(string(got), "$1")
	real = regexp.MustCompile(`(?m)^[a-z-]+: ("")\n`).ReplaceAllString(real, "") // no default
	sample, fresh := filepath.Join(t.TempDir(), "sample.yaml"), mountCommand(t)
	if err := os.WriteFile(sample, []byte(real), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := config.Settle(fresh, []string{"CLIPFS_CONFIG=" + sample}); err != nil {
		t.Fatal(err)
	}
	fresh.Flags().VisitAll(func(f *pflag.Flag) {
		if got, want := valuesOf(f), valuesOf(freshFlag(t, f.Name)); f.Name != "config" && !slices.Equal(got, want) {
			t.Errorf("%s: the sample says %q, the default is %q", f.Name, got, want)
		}
	})
}

// valuesOf gives the values of a flag; those of a list in order, which may be of no matter.
func valuesOf(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return slices.Sorted(slices.Values(list.GetSlice()))
	}
	return []string{f.Value.String()}
}
