package mountinfo_test

import (
	"errors"
	"strings"
	"testing"

	"clipfs/fs/mountinfo"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	const text = `22 27 0:21 / /proc rw,relatime - proc proc rw
36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue
61 27 0:52 / /mnt/with\040space\134and\011tab ro,nosuid,nodev,noexec shared:7 - fuse.clipfs clipfs ro,user_id=0,group_id=0
62 27 0:53 / /nosource rw - tmpfs
`
	got, err := mountinfo.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []mountinfo.Info{
		{ID: 22, Parent: 27, Minor: 21, Mountpoint: "/proc", FSType: "proc", Source: "proc", Options: []string{"rw"}},
		{ID: 36, Parent: 35, Major: 98, Mountpoint: "/mnt2", FSType: "ext3", Source: "/dev/root", Options: []string{"rw", "errors=continue"}, Master: 1},
		{ID: 61, Parent: 27, Minor: 52, Mountpoint: "/mnt/with space\\and\ttab", FSType: "fuse.clipfs", Source: "clipfs",
			Options: []string{"ro", "user_id=0", "group_id=0"}, Shared: 7},
		{ID: 62, Parent: 27, Minor: 53, Mountpoint: "/nosource", FSType: "tmpfs"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

func TestParseRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for _, line := range []string{
		"nonsense", "22 27 0:21 / /proc rw,relatime proc proc rw", "22 27 21 / /proc rw - proc proc rw",
		"22 27 a:b / /proc rw - proc proc rw", "22 - proc", "a 27 0:21 / /proc rw - proc proc rw", "22 b 0:21 / /proc rw - proc proc rw",
	} {
		if got, err := mountinfo.Parse(strings.NewReader(line)); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", line, got)
		}
	}
}

func TestFind(t *testing.T) {
	got, err := mountinfo.Find("/proc")
	if err != nil || got.FSType != "proc" {
		t.Errorf("Find(/proc) = %+v, %v; want a proc", got, err)
	}
	if _, err := mountinfo.Find("/nothing/is/here"); !errors.Is(err, mountinfo.ErrNotMounted) {
		t.Errorf("Find of nothing: %v, want %v", err, mountinfo.ErrNotMounted)
	}
}

func TestBelow(t *testing.T) {
	all := []mountinfo.Info{{ID: 1, Mountpoint: "/"}, {ID: 2, Mountpoint: "/mnt"}, {ID: 3, Mountpoint: "/mnt/a"}, {ID: 4, Mountpoint: "/mnt"}}
	for path, want := range map[string]int{"/": 1, "/mntx": 1, "/mnt": 4, "/mnt/b/c": 4, "/mnt/a": 3, "/mnt/a/b": 3, "/mnt/ab": 4} {
		if got, err := mountinfo.Below(all, path); err != nil || got.ID != want {
			t.Errorf("Below(%s) = %d, %v; want %d", path, got.ID, err, want)
		}
	}
	if _, err := mountinfo.Below(nil, "/mnt"); !errors.Is(err, mountinfo.ErrNotMounted) {
		t.Errorf("Below of nothing: %v, want %v", err, mountinfo.ErrNotMounted)
	}
}
