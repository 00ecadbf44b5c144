package mount_test

import (
	"testing"

	"github.com/spf13/pflag"

	"clipfs/cmd/clipfs/internal/mount"
)

// flags gives fresh flags of clipfs mount.
func flags(t *testing.T) *pflag.FlagSet {
	t.Helper()
	set := pflag.NewFlagSet("mount", pflag.ContinueOnError)
	c := mount.Default()
	c.Bind(set)
	return set
}

func TestGuardValues(t *testing.T) {
	for _, test := range []struct {
		kind, want string
		set        []string
	}{
		{"fetch-limit", "50GiB/day", []string{"50GiB/day"}}, {"fetch-limit", "500MB/hour", []string{"500MB/hour"}},
		{"fetch-limit", "1TiB/month", []string{"1024g/month"}}, {"fetch-limit", "", []string{"none"}}, {"fetch-limit", "", []string{"1g/day", "0"}},
		{"deny", "b,updatedb", []string{"updatedb,b,b"}}, {"deny", "a,b,c", []string{"c:b", "a"}}, {"deny", "none", []string{""}},
		{"deny", "none", []string{"none"}}, {"deny", "with space,x", []string{"with space\n x \n"}},
		{"file-mode", "0440", []string{"440"}}, {"file-mode", "0444", []string{"0444"}}, {"uid", "0", []string{"0"}}, {"uid", "65534", []string{"65534"}},
	} {
		v := flags(t).Lookup(test.kind).Value
		for _, text := range test.set {
			if err := v.Set(text); err != nil {
				t.Errorf("%s %q: %v", test.kind, text, err)
			}
		}
		if got := v.String(); got != test.want {
			t.Errorf("%s %q = %q, want %q", test.kind, test.set, got, test.want)
		}
	}
	for kind, wrong := range map[string][]string{
		"fetch-limit": {"50GiB", "50GiB/week", "/day", "-1/day", "0/day", "x/day", "1g/day/day"},
		"deny":        {"/usr/bin/updatedb"},
		"file-mode":   {"", "0", "9", "rw", "-1", "1000000"},
		"uid":         {"", "-1", "root", "4294967295", "4294967296"},
	} {
		for _, text := range wrong {
			if err := flags(t).Lookup(kind).Value.Set(text); err == nil {
				t.Errorf("%s takes %q", kind, text)
			}
		}
	}
}
