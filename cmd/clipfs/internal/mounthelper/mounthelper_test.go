package mounthelper_test

import (
	"strings"
	"testing"

	"clipfs/cmd/clipfs/internal/mounthelper"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// flags has one of each kind.
func flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.Bool("allow-other", false, "")
	f.String("cache-dir", "", "")
	f.String("endpoint-url", "", "")
	f.StringArray("stream", nil, "")
	f.String("ro-something", "", "")
	return f
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		args    string
		want    mounthelper.Call
		profile string
	}{
		"bare":    {"none /mnt", mounthelper.Call{Source: "none", Dir: "/mnt"}, ""},
		"profile": {"site-a /mnt -o rw", mounthelper.Call{Source: "site-a", Dir: "/mnt"}, "site-a"},
		"flags": {"none /mnt -o allow_other,cache-dir=/a:b,cache_dir=/c=d", mounthelper.Call{Source: "none", Dir: "/mnt",
			Args: []string{"--allow-other", "--cache-dir=/a:b", "--cache-dir=/c=d"}}, ""},
		"lists": {"none /mnt -o stream=a:b,stream=c", mounthelper.Call{Source: "none", Dir: "/mnt",
			Args: []string{"--stream=a", "--stream=b", "--stream=c"}}, ""},
		"set to false": {"none /mnt -o allow-other=false", mounthelper.Call{Source: "none", Dir: "/mnt", Args: []string{"--allow-other=false"}}, ""},
		"quotes": {`none /mnt -o ro,cache-dir="/a,b",noexec`, mounthelper.Call{Source: "none", Dir: "/mnt",
			Args: []string{"--cache-dir=/a,b"}}, ""},
		"as mount(8) calls it": {"none /mnt -s -f -n -v -t clipfs -o rw,noexec,nosuid,nodev,user=joe", mounthelper.Call{Source: "none", Dir: "/mnt", Fake: true}, ""},
		"bundled":              {"none /mnt -sfnv", mounthelper.Call{Source: "none", Dir: "/mnt", Fake: true}, ""},
		"standard": {"none /mnt -o defaults,nofail,_netdev,noauto,user,users,ro,relatime,comment=x,x-systemd.automount,X-mount.mkdir=0755,,",
			mounthelper.Call{Source: "none", Dir: "/mnt"}, ""},
		"sloppy": {"none /mnt -s -o strange=1", mounthelper.Call{Source: "none", Dir: "/mnt"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := mounthelper.Parse(strings.Fields(test.args), flags())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("call (-want +got):\n%s", diff)
			}
			if got.Profile() != test.profile {
				t.Errorf("profile %q, want %q", got.Profile(), test.profile)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct{ args, says, hides string }{
		"no directory":     {"none", "SOURCE DIR", "-"},
		"too many":         {"none /mnt /mnt2", "SOURCE DIR", "-"},
		"unknown":          {"none /mnt -o cache-dri=/x", "option cache-dri is not known", "/x"},
		"a secret":         {"none /mnt -o aws_secret_access_key=hunter2", "~/.aws/credentials", "hunter2"},
		"another secret":   {"none /mnt -o session-token=hunter2", "secrets do not belong", "hunter2"},
		"no value":         {"none /mnt -o cache-dir", "option cache-dir wants a value", "-"},
		"remount":          {"none /mnt -o remount,ro", "unmount it", "-"},
		"a namespace":      {"none /mnt -N 12", "namespace", "-"},
		"flag of its own?": {"none /mnt --cache-dir=/x", "unknown flag", "-"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := mounthelper.Parse(strings.Fields(test.args), flags())
			if err == nil || !strings.Contains(err.Error(), test.says) || test.hides != "-" && strings.Contains(err.Error(), test.hides) {
				t.Errorf("%+v, %v; want an error that says %q and not %q", got, err, test.says, test.hides)
			}
		})
	}
}
