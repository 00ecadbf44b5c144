package fs_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"clipfs/fs"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func TestDenyByName(t *testing.T) {
	root := t.TempDir()
	proc(t, root, 10, 10, "updatedb", "/usr/sbin/updatedb.plocate")
	proc(t, root, 11, 10, "worker", "")
	proc(t, root, 12, 12, "tracker-miner-f", "") // of another user, so that its executable cannot be read
	proc(t, root, 13, 13, "tracker-miner-f", "/usr/libexec/tracker-miner-fs-3 (deleted)")
	proc(t, root, 14, 14, "tracker-miner-f", "/usr/bin/tracker-miner-friendly")
	proc(t, root, 15, 15, "indexer", "/usr/bin/dash") // a script
	proc(t, root, 16, 16, "cat", "/usr/bin/cat")
	proc(t, root, 17, 17, "updatedb", "")
	names := []string{"updatedb", "updatedb.plocate", "tracker-miner-fs-3", "indexer"}
	for _, test := range []struct {
		names []string
		pid   uint32
		opens bool
	}{
		{names, 10, false}, {names, 11, false}, {names, 12, false}, {names, 13, false}, {names, 14, true}, {names, 15, false},
		{names, 16, true}, {names, 17, false}, {names, 18, true}, {names, 0, true}, {nil, 10, true},
		{[]string{"updatedb.plocate"}, 10, false}, {[]string{"updatedb.mlocate"}, 10, true}, {[]string{"cat"}, 16, false},
	} {
		d := fs.NewDeny(test.names, root, slog.New(slog.DiscardHandler))
		if got := d.Opens(asks(t, test.pid, 0)); got != test.opens {
			t.Errorf("%d with %q: opens %t, want %t", test.pid, test.names, got, test.opens)
		}
	}
}

// TestDenyLogsAProgramOnce: and counts each time, also those who cannot be told.
func TestDenyLogsAProgramOnce(t *testing.T) {
	root := t.TempDir()
	proc(t, root, 10, 10, "updatedb", "/usr/bin/updatedb")
	proc(t, root, 11, 11, "tumblerd", "/usr/bin/tumblerd")
	var text bytes.Buffer
	d := fs.NewDeny([]string{"updatedb", "tumblerd"}, root, slog.New(slog.NewTextHandler(&text, nil)))
	for _, pid := range []uint32{10, 10, 11, 10, 11, 0, 0, 99} {
		d.Opens(fuse.NewContext(context.Background(), &fuse.Caller{Pid: pid}))
	}
	for _, want := range []string{"program=updatedb", "program=tumblerd", "cannot be told"} {
		if n := strings.Count(text.String(), want); n != 1 {
			t.Errorf("%q is logged %d times, want once:\n%s", want, n, &text)
		}
	}
	if got, want := d.Denials(), (fs.Denials{Denied: 5, Unresolved: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestDefaultDenyCanMatch: the kernel never gives a name with a directory, and a script's no longer than 15 characters.
func TestDefaultDenyCanMatch(t *testing.T) {
	names := fs.DefaultDeny()
	for _, name := range names {
		if name == "" || strings.ContainsAny(name, "/,: ") {
			t.Errorf("%q cannot be in a list", name)
		}
	}
	if sorted := slices.Compact(slices.Sorted(slices.Values(names))); len(sorted) != len(names) {
		t.Errorf("%d names, of which %d differ", len(names), len(sorted))
	}
}

func TestOwnerCheck(t *testing.T) {
	for _, test := range []struct {
		file, dir uint32
		says      string
	}{
		{0, 0, ""}, {0o444, 0o555, ""}, {0o400, 0o500, ""}, {0o440, 0o550, ""}, {0o440, 0o511, ""},
		{0o644, 0, "write bits: 0444"}, {0, 0o755, "write bits: 0555"}, {0o555, 0, "0444"}, {0o044, 0, "0400"}, {0, 0o444, "0500"},
		{0o4444, 0, "0444"}, {0, 0o1555, "0555"}, {0o100444, 0, "permission bits"},
	} {
		err := fs.Owner{FileMode: test.file, DirMode: test.dir}.Check()
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%#o, %#o: %v, want %q", test.file, test.dir, err, test.says)
		}
	}
}
