//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"github.com/google/go-cmp/cmp"
)

// smbConf is a server on loopback that needs nobody's password and keeps all it writes in a directory.
const smbConf = `[global]
	private dir = %[1]s
	lock directory = %[1]s
	state directory = %[1]s
	cache directory = %[1]s
	pid directory = %[1]s
	ncalrpc dir = %[1]s
	interfaces = lo
	bind interfaces only = yes
	smb ports = %[2]s
	disable netbios = yes
	server role = standalone server
	map to guest = Bad User
	guest account = nobody
	load printers = no
	disable spoolss = yes
	log level = 0
[footage]
	path = %[3]s
	read only = yes
	guest ok = yes
`

// serveSMB serves a directory, and gives the configuration and the port.
func serveSMB(t *testing.T, dir string) (conf, port string) {
	t.Helper()
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root serves SMB")
	}
	harness.Need(t, "smbd", "smbclient")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	state, err := os.MkdirTemp("", "smb-") // its sockets want a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(state) }) // it may still write
	conf = filepath.Join(state, "smb.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, smbConf, state, port, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "smbd", "-F", "--no-process-group", "--debug-stdout", "-s", conf)
	cmd.Dir, cmd.WaitDelay = "/", 5*time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	// It ends its whole process group when it is told to end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was told to end
	})
	eventually(t, "the server listens", func() bool {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return conf, port
}

// TestExactSizesOverSMB: smbclient's tar takes a clip whole from a share, cold.
func TestExactSizesOverSMB(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard", "--quota", "off")
	m := harness.StartMount(t, e, "--exact-sizes", "--allow-other", "--names", "basic", "--list", "minutes")
	letIn(t, m.Path)
	conf, port := serveSMB(t, m.Path)
	name := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute).Format("20060102T1504")
	out := filepath.Join(t.TempDir(), "out.tar")
	harness.Run(t, "smbclient", "-s", conf, "//127.0.0.1/footage", "-N", "-p", port, "-D", "door", "-Tc", out, name)
	to := t.TempDir()
	harness.Run(t, "tar", "-xf", out, "-C", to)
	copied := filesOf(t, to)
	if len(copied) != 1 || filepath.Base(copied[0]) != "1m.mp4" {
		t.Fatalf("copied %q", copied)
	}
	got, err := os.ReadFile(filepath.Join(to, copied[0]))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(m.Join("door", name, "1m.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 || !cmp.Equal(got, want) {
		t.Errorf("%d bytes over SMB, want %d: another file", len(got), len(want))
	}
	if calls := e.Calls(t, "GetClip"); calls != 1 {
		t.Errorf("%d GetClip calls", calls)
	}
}

// letIn lets other users get to a path in a directory of this test's.
func letIn(t *testing.T, path string) {
	t.Helper()
	for dir := filepath.Dir(path); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // there is nothing in it
			t.Fatal(err)
		}
	}
}
