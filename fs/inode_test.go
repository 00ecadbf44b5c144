package fs_test

import (
	"fmt"
	"testing"

	"clipfs/fs"
)

func TestInodeNumberIsOfThePath(t *testing.T) {
	// What programs remember has to mean the same file after the next mount, and in the next release.
	if got, want := fs.InodeNumber("front-door", "2024-01-01T10:00", "10m.mp4"), uint64(0x03785c34688ed25f); got != want {
		t.Errorf("inode number = %#x, want %#x", got, want)
	}
	whole := fs.InodeNumber("front-door/2024-01-01T10:00", "10m.mp4")
	if got := fs.InodeNumber("front-door", "2024-01-01T10:00", "10m.mp4"); got != whole {
		t.Errorf("of the elements %#x, of the joined path %#x", got, whole)
	}
	seen := map[uint64]string{0: "no file", 1: "the root", ^uint64(0): "go-fuse"}
	for hour := range 24 {
		for minute := range 60 {
			name := fmt.Sprintf("2024-01-01T%02d:%02d", hour, minute)
			n := fs.InodeNumber("front-door", name)
			if other, ok := seen[n]; ok {
				t.Fatalf("%s has the number %#x of %s", name, n, other)
			}
			seen[n] = name
		}
	}
}
