package fs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipfs/fs"
)

// TestAllowOtherNeedsTheAdministrator: who is not root needs the line in the helper's configuration, as the helper
// reads it, and is told so.
func TestAllowOtherNeedsTheAdministrator(t *testing.T) {
	const root, user = 0, 1000
	for _, test := range []struct {
		name, conf string
		uid        int
		ok         bool
	}{
		{"root", "", root, true},
		{"nothing set", "", user, false},
		{"set", "user_allow_other\n", user, true},
		{"set, no newline", "mount_max = 10\nuser_allow_other", user, true},
		{"set, with space and a comment", "# who may see\n\t user_allow_other  # everybody\r\n", user, true},
		{"commented out", "#user_allow_other\n # user_allow_other\n", user, false},
		{"part of a line", "no_user_allow_other\nuser_allow_other = 1\n", user, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			conf := filepath.Join(t.TempDir(), "fuse.conf")
			if err := os.WriteFile(conf, []byte(test.conf), 0o600); err != nil {
				t.Fatal(err)
			}
			err := fs.AllowsOther(test.uid, conf)
			if (err == nil) != test.ok {
				t.Errorf("got %v, want ok %t", err, test.ok)
			}
			if err != nil && (!strings.Contains(err.Error(), conf) || !strings.Contains(err.Error(), "user_allow_other") || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%q does not say in one line what to do", err)
			}
		})
	}
	unreadable := t.TempDir()
	for _, conf := range []string{filepath.Join(unreadable, "missing"), unreadable} {
		if err := fs.AllowsOther(user, conf); err == nil || !strings.Contains(err.Error(), "user_allow_other") {
			t.Errorf("%s, which cannot be read: %v", conf, err)
		}
	}
}
