//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"clipfs/cmd/internal/harness"
	"clipfs/fs/mountinfo"
)

// heldElsewhere has a process of another user in a mount namespace of its own that has a copy of a mount, until end is called.
func heldElsewhere(t *testing.T, m *harness.Mount) (pid int, end func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root has a mount namespace of its own")
	}
	harness.Need(t, "unshare", "setpriv", "sleep")
	cmd := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", aloneScript, "sh",
		"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sleep", "120")
	cmd.Env, cmd.Dir = append(os.Environ(), "KEEP="+m.Path, "ETC="), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	t.Cleanup(end)
	eventually(t, "another user sleeps in a mount namespace of its own", func() bool {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
		return string(name) == "sleep\n"
	})
	return cmd.Process.Pid, end
}

// TestUnmountedHereHeldElsewhere: where another mount namespace has a copy of a mount, umount says that it is held and by which
// process, the daemon says so too, and ends when the copy is gone.
func TestUnmountedHereHeldElsewhere(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard")
	m := harness.StartMount(t, e)
	pid, end := heldElsewhere(t, m)
	_, stderr, err := harness.TryRun(t, harness.Binary(t), "umount", m.Path)
	by := fmt.Sprintf("%d (sleep of uid 65534) in another mount namespace, on %s", pid, m.Path)
	if err == nil || !strings.Contains(string(stderr), m.Path+" is unmounted here, but held by "+by) {
		t.Errorf("umount: %v, %s; want exit code 1 and who holds it: %s", err, stderr, by)
	}
	if m.Mounted(t) {
		t.Error("still mounted here")
	}
	if !m.Logs("unmounted here, and still in use") || !strings.Contains(m.Log(), by) {
		t.Errorf("the log does not say that %s", by)
	}
	if m.Ended() {
		t.Error("the daemon has ended although the mount is held")
	}
	end()
	m.WaitEnd(t)
}

// TestUnmountedHereBoundElsewhere: the same for a bind mount in the same namespace. A copy that somebody lets go of is none.
func TestUnmountedHereBoundElsewhere(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard")
	m := harness.StartMount(t, e)
	bound := t.TempDir()
	if err := syscall.Mount(m.Path, bound, "", syscall.MS_BIND, ""); err != nil {
		harness.Skip(t, "no bind mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(bound, syscall.MNT_DETACH) }) // it may be gone
	_, stderr, err := harness.TryRun(t, harness.Binary(t), "umount", m.Path)
	if err == nil || !strings.Contains(string(stderr), "held by a bind mount on "+bound) {
		t.Errorf("umount: %v, %s", err, stderr)
	}
	harness.Run(t, harness.Binary(t), "umount", bound)
	if _, err := mountinfo.Find(bound); err == nil {
		t.Error("the bind mount is still there")
	}
	m.WaitEnd(t)
}
