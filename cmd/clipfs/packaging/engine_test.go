//go:build containers && e2e

package packaging_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
)

const (
	// engineTimeout bounds one command of the engine; a build compiles everything the first time.
	engineTimeout = 8 * time.Minute
	// seenWithin is how long a container may take until what it mounts is seen on the host.
	seenWithin = time.Minute
	// alpine and golang are the images that the Dockerfile names; stand-ins for them are made here.
	alpine, golang = "docker.io/library/alpine:3.22", "docker.io/library/golang:1.26-alpine"
)

// engine is podman with all of its state in one directory, in a network namespace of its own.
type engine struct {
	t *testing.T
	// dir holds the state. Its mount is shared, so that mounts made in containers are seen here.
	dir string
	env []string
}

// TestContainers runs what the packaging has for containers in a real engine: the image builds from a tree without git and
// knows its commit; compose serves, and what it mounts is seen on the host, also after a kill; where it cannot be seen, or
// a capability is missing, the log says so; the sidecar serves the container beside it.
func TestContainers(t *testing.T) {
	harness.NeedFUSE(t)
	harness.Need(t, "podman", "podman-compose", "runc", "busybox", "ffprobe", "cp")
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can run these containers")
	}
	if os.Getenv(insideVariable) == "" {
		alone(t, "TestContainers")
		return
	}
	e := newEngine(t)
	e.standIns()
	t.Run("image", func(t *testing.T) { e.at(t).image() })
	t.Run("capability", func(t *testing.T) { e.at(t).capability() })
	t.Run("unseen", func(t *testing.T) { e.at(t).unseen() })
	t.Run("compose", func(t *testing.T) { e.at(t).compose() })
	t.Run("fleet", func(t *testing.T) { e.at(t).fleet() })
	t.Run("nodes", func(t *testing.T) { e.at(t).nodes() })
	t.Run("example of the emulator", func(t *testing.T) { e.at(t).composed() })
	t.Run("sidecar", func(t *testing.T) { e.at(t).sidecar() })
}

// alone runs a test again in a network namespace of its own, which takes the engine's bridges and rules with it.
func alone(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*engineTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^"+name+"$", "-test.v", "-test.timeout="+(2*engineTimeout).String())
	cmd.Env = append(os.Environ(), insideVariable+"=1", "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	var refused *os.SyscallError
	if errors.As(err, &refused) {
		t.Skipf("this machine refuses %s: %v", refused.Syscall, err) // a named system call, and no missing package
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+name)) {
		t.Errorf("inside: %v\n%s", err, out)
	}
}

// newEngine gives an engine without images and containers. All that it leaves is taken away when the test ends.
func newEngine(t *testing.T) engine {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "clipfs-") // podman wants it short
	if err != nil {
		t.Fatal(err)
	}
	e := engine{t: t, dir: dir}
	if err := errors.Join(unix.Mount(dir, dir, "", unix.MS_BIND, ""), unix.Mount("", dir, "", unix.MS_SHARED, "")); err != nil {
		t.Fatal(err)
	}
	storage := fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", e.path("images"), e.path("run"))
	// Limits above those of this process take CAP_SYS_RESOURCE, which a machine need not have.
	containers := fmt.Sprintf("[containers]\ndefault_ulimits = [\"nofile=4096:4096\", \"nproc=4096:4096\"]\n"+
		"[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"runc\"\ntmp_dir = %q\nvolume_path = %q\n"+
		"[network]\nnetwork_backend = \"netavark\"\nnetwork_config_dir = %q\n",
		e.path("tmp"), e.path("volumes"), e.path("networks"))
	e.write("storage.conf", storage)
	e.write("containers.conf", containers)
	e.write("policy.json", `{"default": [{"type": "insecureAcceptAnything"}]}`)
	e.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "TMPDIR=" + dir,
		"CONTAINERS_CONF=" + e.path("containers.conf"), "CONTAINERS_STORAGE_CONF=" + e.path("storage.conf")}
	t.Cleanup(e.close)
	e.run("busybox", "ip", "link", "set", "lo", "up")
	return e
}

// close takes everything away.
func (e engine) close() {
	e.run("podman", "rm", "--all", "--force", "--time", "1")
	e.run("podman", "pod", "rm", "--all", "--force")
	e.run("podman", "volume", "prune", "--force")
	all, err := mountinfo.List()
	if err != nil {
		e.t.Error(err)
	}
	for i := len(all) - 1; i >= 0; i-- {
		at := all[i].Mountpoint
		if at != e.dir && !strings.HasPrefix(at, e.dir+"/") {
			continue
		}
		if all[i].FSType == "fuse.clipfs" {
			e.t.Errorf("%s is still mounted", at)
		}
		_ = unix.Unmount(at, unix.MNT_DETACH) // layers of images
	}
	if err := os.RemoveAll(e.dir); err != nil {
		e.t.Error(err)
	}
}

// at is the same for a subtest.
func (e engine) at(t *testing.T) engine {
	e.t = t
	return e
}

// path gives the path of something of the engine's.
func (e engine) path(elements ...string) string {
	return filepath.Join(append([]string{e.dir}, elements...)...)
}

// write writes a file below the engine's directory.
func (e engine) write(name, text string) {
	e.t.Helper()
	path := e.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		e.t.Fatal(err)
	}
}

// try runs a program in the engine's environment and gives what it said.
func (e engine) try(name string, args ...string) (string, error) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), engineTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = e.env, e.dir, 5*time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs a program, which has to succeed.
func (e engine) run(name string, args ...string) string {
	e.t.Helper()
	out, err := e.try(name, args...)
	if err != nil {
		e.t.Errorf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// must is run for what nothing goes on without.
func (e engine) must(name string, args ...string) string {
	e.t.Helper()
	out, err := e.try(name, args...)
	if err != nil {
		e.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// eventually waits until something holds.
func (e engine) eventually(what string, holds func() bool) {
	e.t.Helper()
	for deadline := time.Now().Add(seenWithin); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			e.t.Fatalf("not within %s: %s", seenWithin, what)
		}
	}
}

// lists waits until a directory lists a name.
func (e engine) lists(dir, name string) {
	e.t.Helper()
	e.eventually(dir+" lists "+name, func() bool {
		entries, err := os.ReadDir(dir)
		for _, entry := range entries {
			if err == nil && entry.Name() == name {
				return true
			}
		}
		return false
	})
}

// standIns makes images with the names that the Dockerfile has: this machine's busybox and its Go.
func (e engine) standIns() {
	e.t.Helper()
	root := e.path("alpine")
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		e.t.Fatal(err)
	}
	e.write("alpine/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	for _, dir := range []string{"bin", "tmp", "root", "proc", "sys", "dev"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			e.t.Fatal(err)
		}
	}
	e.must("cp", "-L", busybox, filepath.Join(root, "bin", "busybox"))
	for _, name := range strings.Fields(e.must("busybox", "--list")) {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil && !errors.Is(err, fs.ErrExist) {
			e.t.Fatal(err)
		}
	}
	// There is no registry of Alpine packages here; what they would add is not needed for http.
	e.write("alpine/sbin/apk", "#!/bin/sh\n[ \"$*\" = \"add --no-cache ca-certificates\" ]\n")
	if err := os.Chmod(filepath.Join(root, "sbin", "apk"), 0o755); err != nil {
		e.t.Fatal(err)
	}
	path := "ENV PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	e.write("alpine.Dockerfile", "FROM scratch\nCOPY alpine /\n"+path)
	e.write("golang.Dockerfile", "FROM "+alpine+"\n"+path+"ENV GOPROXY=file:///modules/cache/download GOSUMDB=off GOTOOLCHAIN=local GOFLAGS=-modcacherw\n")
	e.write(".dockerignore", "*\n!alpine\n")
	e.must("podman", "build", "--quiet", "--network=none", "--tag", alpine, "--file", e.path("alpine.Dockerfile"), e.dir)
	e.must("podman", "build", "--quiet", "--network=none", "--tag", golang, "--file", e.path("golang.Dockerfile"), e.dir)
}
