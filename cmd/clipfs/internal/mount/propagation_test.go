package mount_test

import (
	"strings"
	"testing"

	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/fs/mountinfo"
)

// TestUnseen tells from tables of mounts whether a mount made in a container spreads to its host.
func TestUnseen(t *testing.T) {
	root := mountinfo.Info{Mountpoint: "/", FSType: "overlay"}
	volume := func(shared, master int) []mountinfo.Info {
		return []mountinfo.Info{root, {Mountpoint: "/mnt/clipfs", FSType: "ext4", Shared: shared, Master: master}}
	}
	host := []mountinfo.Info{{Mountpoint: "/", FSType: "ext4", Shared: 1}, {Mountpoint: "/boot", FSType: "ext4"}}
	tests := map[string]struct {
		mountpoint string
		ours, host []mountinfo.Info
		cause      string
	}{
		"shared with the host":            {"/mnt/clipfs/cameras", volume(1, 0), host, ""},
		"shared, and the host is unknown": {"/mnt/clipfs/cameras", volume(3, 0), nil, ""},
		"the host's mount is private":     {"/mnt/clipfs/cameras", volume(3, 0), host, "on the host"},
		"only from the host":              {"/mnt/clipfs/cameras", volume(0, 1), host, "not shared in both directions"},
		"private":                         {"/mnt/clipfs/cameras", volume(0, 0), nil, "not shared in both directions"},
		"on the volume itself":            {"/mnt/clipfs", volume(1, 0), host, ""},
		"no volume":                       {"/srv/cameras", volume(1, 0), host, ""},
	}
	for name, test := range tests {
		cause, remedy := mount.Unseen(test.mountpoint, test.ours, test.host)
		if !strings.Contains(cause, test.cause) || (test.cause == "") != (cause == "") || (cause == "") != (remedy == "") {
			t.Errorf("%s: %q, %q; want %q", name, cause, remedy, test.cause)
		}
	}
}
