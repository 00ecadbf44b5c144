package known_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"clipfs/cmd/clipfs/internal/known"
	"clipfs/fs/mountinfo"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	for path, name := range map[string]string{ // as systemd-escape --path gives them
		"/mnt/cameras": "mnt-cameras", "/mnt/a-b": `mnt-a\x2db`, "/mnt/a b": `mnt-a\x20b`, "/": "-", "/.x/.y": `\x2ex-.y`, "/mnt/tür": `mnt-t\xc3\xbcr`,
	} {
		if got, ok := known.Unescape(name); got != path || !ok {
			t.Errorf("path of %s is %s, %t, want %s", name, got, ok, path)
		}
	}
	for _, name := range []string{"", `a\`, `a\x`, `a\x2`, `a\y20`, `a\xzz`} {
		if path, ok := known.Unescape(name); ok {
			t.Errorf("%q stands for %q", name, path)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"mnt-unit.env": "# comment\n; another\n\nAWS_REGION = eu-1 \nCLIPFS_STREAM='a b'\nCLIPFS_CACHE_SIZE=\"5GiB\"\nAWS_PROFILE=si\\\nte\nnonsense\nHTTPS_PROXY=http://p:1\nPATH=/bin",
		"mnt-xdg.env":  "XDG_CACHE_HOME=/fast\nCLIPFS_CONFIG=/etc/x.yaml", "not-one.txt": "", `bad\x.env`: "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mount := func(minor uint32, at, kind string, options ...string) mountinfo.Info {
		return mountinfo.Info{Minor: minor, Mountpoint: at, FSType: kind, Options: options}
	}
	mounts := []mountinfo.Info{mount(1, "/", "ext4"), mount(7, "/mnt/live", "fuse.clipfs", "user_id=1000"), mount(7, "/bound", "fuse.clipfs", "user_id=1000"),
		mount(8, "/mnt/roots", "fuse.clipfs", "user_id=0", "allow_other"), mount(9, "/mnt/roots/in", "tmpfs")}
	asked := known.Machine{Dir: dir, Mounts: func() ([]mountinfo.Info, error) { return mounts, nil }, UID: 1000,
		Read: func(_ context.Context, mountpoint string) ([]byte, error) {
			switch mountpoint {
			case "/mnt/live":
				return []byte(`{"region": "eu-2", "settings": {"stream": ["x", "y"]}}`), nil
			case "/mnt/roots":
				return []byte(`{"healthy": true}`), nil
			}
			return nil, errors.New("not asked")
		}}
	live := known.Settings{Mountpoint: "/mnt/live", Source: "the mount on /mnt/live", Flags: map[string][]string{"stream": {"x", "y"}},
		Environment: map[string]string{"AWS_REGION": "eu-2"}}
	unit := known.Settings{Mountpoint: "/mnt/unit", Source: filepath.Join(dir, "mnt-unit.env"), CacheDir: "/var/cache/clipfs/mnt-unit/clipfs",
		Flags:       map[string][]string{"stream": {"a b"}, "cache-size": {"5GiB"}},
		Environment: map[string]string{"AWS_REGION": "eu-1", "AWS_PROFILE": "site", "HTTPS_PROXY": "http://p:1"}}
	xdg := known.Settings{Mountpoint: "/mnt/xdg", Source: filepath.Join(dir, "mnt-xdg.env"), CacheDir: "/fast/clipfs", Config: "/etc/x.yaml",
		Flags: map[string][]string{}, Environment: map[string]string{}}
	for path, want := range map[string][]known.Settings{
		"": {live}, "/mnt/live/door": {live}, "/mnt/unit": {unit}, "/mnt/xdg/door": {xdg}, "/mnt/none": nil, "/mnt/roots/in": nil,
	} {
		got, err := asked.Find(t.Context(), path)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got)\n%s", path, err, diff)
		}
	}
	if got, err := asked.Find(t.Context(), "/mnt/roots"); err != nil || len(got) != 1 || got[0].Err == nil {
		t.Errorf("a mount that does not tell: %+v, %v", got, err)
	}
	mounts[1].Options = []string{"user_id=0", "allow_other"}
	asked.UID = 0
	var several *known.AmbiguousError
	if _, err := asked.Find(t.Context(), ""); !errors.As(err, &several) || several.Error() != "/mnt/live and /mnt/roots both fit: name one of them" {
		t.Errorf("two that run: %v", err)
	}
	mounts = mounts[:1]
	if _, err := asked.Find(t.Context(), ""); !errors.As(err, &several) || several.Error() != "/mnt/unit and /mnt/xdg both fit: name one of them" {
		t.Errorf("two units: %v", err)
	}
}
