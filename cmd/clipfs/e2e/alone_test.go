//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// aloneScript takes away all mounts of ours but those that KEEP names, in a mount namespace of its own, and has ETC, if there is
// one, for /etc. It then runs its arguments.
const aloneScript = `while read -r _ _ _ _ at rest; do
	case "$rest" in *" - fuse.clipfs "*) case " $KEEP " in *" $at "*) ;; *) umount -l "$at";; esac;; esac
done </proc/self/mountinfo
if [ -n "$ETC" ]; then mount --bind "$ETC" /etc; fi
exec "$@"`

// alone runs clipfs on a machine that has only some of the mounts, and whose /etc is a directory unless that is empty. It has no
// settings in its environment but env.
func alone(t *testing.T, etc string, mounts []*harness.Mount, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root has a mount namespace of its own")
	}
	harness.Need(t, "unshare", "umount", "mount")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", append([]string{"-m", "sh", "-c", aloneScript, "sh", harness.Binary(t)}, args...)...)
	var keep []string
	for _, m := range mounts {
		keep = append(keep, m.Path)
	}
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "CLIPFS_") || strings.HasPrefix(v, "XDG_")
	}), "HOME="+t.TempDir(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test-secret", "AWS_EC2_METADATA_DISABLED=true",
		"KEEP="+strings.Join(keep, " "), "ETC="+etc)
	cmd.Env = append(cmd.Env, env...)
	cmd.Dir, cmd.WaitDelay = "/", time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// unitsOf makes an /etc that has the environments of units, by name.
func unitsOf(t *testing.T, units map[string]string) (etc string) {
	t.Helper()
	etc = t.TempDir()
	if err := os.Mkdir(filepath.Join(etc, "clipfs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range units {
		if err := os.WriteFile(filepath.Join(etc, "clipfs", name+".env"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return etc
}
