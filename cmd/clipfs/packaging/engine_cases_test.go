//go:build containers && e2e

package packaging_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"clipfs/clip/emulator/control"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"
)

// commitBuilt is the commit of the tree that the image is built from.
const commitBuilt = "0123456789abcdef0123456789abcdef01234567"

// goEnv gives a setting of this machine's Go.
func (e engine) goEnv(name string) string {
	e.t.Helper()
	out, err := exec.CommandContext(e.t.Context(), "go", "env", name).Output()
	if err != nil {
		e.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// image builds the Dockerfile from a copy of the tree, in which only HEAD and its reference are left of .git.
func (e engine) image() {
	tree := e.path("tree")
	source, err := filepath.Abs("../../..")
	if err != nil {
		e.t.Fatal(err)
	}
	for _, part := range []string{"cache", "clip", "cmd", "fs", "go.mod", "go.sum", "README.md"} {
		e.write("tree/.keep", "")
		e.must("cp", "-a", filepath.Join(source, part), tree)
	}
	e.write("tree/.git/HEAD", "ref: refs/heads/main\n")
	e.write("tree/.git/refs/heads/main", commitBuilt+"\n")
	e.write("tree/.git/objects/large", strings.Repeat("history", 1000))
	download := exec.CommandContext(e.t.Context(), "go", "mod", "download")
	download.Dir = tree
	if out, err := download.CombinedOutput(); err != nil {
		e.t.Fatalf("go mod download: %v\n%s", err, out)
	}
	build := []string{"build", "--network=none", "--volume", e.goEnv("GOROOT") + ":/usr/local/go:ro",
		"--volume", e.goEnv("GOMODCACHE") + ":/modules:ro", "--volume", e.goEnv("GOCACHE") + ":/root/.cache/go-build",
		"--file", filepath.Join(tree, "cmd/clipfs/packaging/Dockerfile"),
		"--ignorefile", filepath.Join(tree, "cmd/clipfs/packaging/Dockerfile.dockerignore")}
	e.must("podman", append(build, "--tag", "clipfs", tree)...)
	if out := e.run("podman", "run", "--rm", "--network=none", "clipfs", "version"); !strings.Contains(out, "commit  "+commitBuilt) {
		e.t.Errorf("clipfs version in the image: %s", out)
	}
	e.must("podman", append(build, "--target", "build", "--tag", "built", tree)...)
	left := e.run("podman", "run", "--rm", "--network=none", "built", "find", "/src/.git", "/src/cmd/clipfs/packaging", "-name", "large", "-o", "-name", "*_test.go")
	if strings.TrimSpace(left) != "" {
		e.t.Errorf("sent to the engine although nothing needs it: %s", left)
	}
}

// capability: without CAP_SYS_ADMIN, and without the device, the log says what is missing.
func (e engine) capability() {
	out, err := e.try("podman", "run", "--rm", "--network=none", "--device", "/dev/fuse", "clipfs")
	if err == nil || !strings.Contains(out, "CAP_SYS_ADMIN") || !strings.Contains(out, "--cap-add SYS_ADMIN") {
		e.t.Errorf("without the capability: %v, %s", err, out)
	}
	out, err = e.try("podman", "run", "--rm", "--network=none", "--cap-add", "SYS_ADMIN", "clipfs")
	if err == nil || !strings.Contains(out, "--device /dev/fuse") {
		e.t.Errorf("without the device: %v, %s", err, out)
	}
}

// unseen: a mount that the host does not see says so, and why.
func (e engine) unseen() {
	private := e.path("private")
	if err := os.Mkdir(private, 0o755); err != nil {
		e.t.Fatal(err)
	}
	if err := unix.Mount("none", private, "tmpfs", 0, ""); err != nil {
		e.t.Fatal(err)
	}
	slave := e.path("slave")
	if err := os.Mkdir(slave, 0o755); err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = unix.Unmount(private, unix.MNT_DETACH) }()
	if err := unix.Mount("", private, "", unix.MS_PRIVATE, ""); err != nil {
		e.t.Fatal(err)
	}
	tests := map[string]struct {
		volume []string
		says   string
	}{
		"host's mount is private": {[]string{"--volume", private + ":/mnt/clipfs:rshared"}, "mount --make-rshared"},
		"volume is not shared":    {[]string{"--volume", slave + ":/mnt/clipfs:rslave"}, "propagation rshared"},
	}
	for name, test := range tests {
		args := append([]string{"run", "--detach", "--pid", "host", "--device", "/dev/fuse", "--cap-add", "SYS_ADMIN",
			"--env", "AWS_REGION=us-east-1", "--env", "AWS_ACCESS_KEY_ID=any", "--env", "AWS_SECRET_ACCESS_KEY=any",
			"--env", "CLIPFS_ENDPOINT_URL=http://127.0.0.1:9"}, test.volume...)
		id := strings.TrimSpace(e.must("podman", append(args, "clipfs")...))
		e.eventually(name+": served", func() bool { return strings.Contains(e.run("podman", "logs", id), "msg=serving") })
		if log := e.run("podman", "logs", id); !strings.Contains(log, "seen in this container only") || !strings.Contains(log, test.says) {
			e.t.Errorf("%s: want %q in the log:\n%s", name, test.says, log)
		}
		e.run("podman", "rm", "--force", "--time", "10", id)
	}
}

// compose: the emulator and a mount of it; the host reads a clip, also after the mount was killed; in the end nothing is left.
func (e engine) compose() {
	shared := e.path("cameras")
	if err := os.Mkdir(shared, 0o755); err != nil {
		e.t.Fatal(err)
	}
	e.env = append(e.env, "CAMERAS="+shared)
	file := e.path("tree/cmd/clipfs/packaging/compose.yaml")
	e.must("podman-compose", "--project-name", "clipfs", "--file", file, "up", "--detach", "--no-build")
	down := false
	defer func() {
		if !down {
			e.run("podman-compose", "--project-name", "clipfs", "--file", file, "down", "--volumes")
		}
	}()
	cameras := filepath.Join(shared, "cameras")
	e.lists(cameras, "door")
	e.plays(filepath.Join(cameras, "door/last/10s.mp4"))
	log := e.run("podman", "logs", "clipfs_clipfs_1")
	if strings.Contains(log, "seen in this container only") {
		e.t.Errorf("it is seen, and the log says that it is not:\n%s", log)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(e.must("podman", "inspect", "--format", "{{.State.Pid}}", "clipfs_clipfs_1")))
	if err != nil {
		e.t.Fatal(err)
	}
	if line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); err != nil || !bytes.HasPrefix(line, []byte("clipfs\x00mount")) {
		e.t.Fatalf("process %d of the container is %q, %v", pid, line, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		e.t.Fatal(err)
	}
	e.eventually("started again", func() bool {
		return strings.Contains(e.run("podman", "logs", "clipfs_clipfs_1"), "stale mount taken away")
	})
	e.lists(cameras, "door")
	e.plays(filepath.Join(cameras, "door/last/10s.mp4"))
	down = true
	e.run("podman-compose", "--project-name", "clipfs", "--file", file, "down", "--volumes")
	if entries, err := os.ReadDir(cameras); err != nil || len(entries) > 0 {
		e.t.Errorf("after the end %s has %v, %v", cameras, entries, err)
	}
}

// composed: in the example of the emulator a container sends media to it under its name, and this machine sets it at its port.
func (e engine) composed() {
	file := e.path("tree/clip/emulator/examples/compose.yaml")
	e.must("podman-compose", "--project-name", "emulated", "--file", file, "up", "--detach", "--no-build")
	defer func() { e.run("podman-compose", "--project-name", "emulated", "--file", file, "down", "--volumes") }()
	e.eventually("the camera has sent a minute", func() bool {
		return strings.Count(e.run("podman", "logs", "emulated_camera_1"), "PERSISTED ") == 30
	})
	client, err := control.New("http://127.0.0.1:4580", control.Options{})
	if err != nil {
		e.t.Fatal(err)
	}
	calls, err := client.Calls(e.t.Context())
	if !slices.ContainsFunc(calls, func(c control.CallCount) bool { return c.API == "PutMedia" && c.Stream == "yard" && c.Fragments == 30 }) {
		e.t.Errorf("the emulator was asked %+v, %v", calls, err)
	}
}

// plays makes sure that a clip is video.
func (e engine) plays(path string) {
	e.t.Helper()
	if out := e.run("ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path); !strings.Contains(out, "h264") {
		e.t.Errorf("%s: %s", path, out)
	}
}

// sidecar runs the pod of sidecar.yaml, as far as podman 4.3 knows pods: it holds init containers that go on, and probes,
// back, so the sidecar is a container like the other; the emulator is a third.
func (e engine) sidecar() {
	pod := e.sidecarPod()
	text, err := yaml.Marshal(pod)
	if err != nil {
		e.t.Fatal(err)
	}
	e.write("pod.yaml", string(text))
	e.must("podman", "kube", "play", e.path("pod.yaml"))
	// The one that mounts first: what is killed leaves its mount behind.
	defer func() {
		e.run("podman", "stop", "--time", "20", "clipfs-sidecar-clipfs")
		e.run("podman", "kube", "down", e.path("pod.yaml"))
	}()
	e.eventually("the container beside it lists the stream", func() bool {
		out, err := e.try("podman", "exec", "clipfs-sidecar-application", "ls", "/clips/cameras")
		return err == nil && strings.TrimSpace(out) == "door"
	})
	const clip = "/clips/cameras/door/last/10s.mp4"
	if out := e.run("podman", "exec", "clipfs-sidecar-application", "head", "-c", "8", clip); !strings.Contains(out, "ftyp") {
		e.t.Errorf("%s begins with %q", clip, out)
	}
}

// sidecarPod gives the pod with its sidecar as a container like the others, an emulator, and images that are here.
func (e engine) sidecarPod() map[string]any {
	e.t.Helper()
	text, err := os.ReadFile("kubernetes/sidecar.yaml")
	if err != nil {
		e.t.Fatal(err)
	}
	_, pod, _ := bytes.Cut(text, []byte("\n---\n"))
	var object map[string]any
	if err := yaml.Unmarshal(pod, &object); err != nil {
		e.t.Fatal(err)
	}
	spec := object["spec"].(map[string]any)
	sidecar := spec["initContainers"].([]any)[0].(map[string]any)
	delete(spec, "initContainers")
	delete(spec, "serviceAccountName")
	delete(sidecar, "restartPolicy")
	delete(sidecar, "startupProbe")
	sidecar["image"] = "localhost/clipfs:latest"
	variable := func(name, value string) any { return map[string]any{"name": name, "value": value} }
	sidecar["env"] = append(sidecar["env"].([]any), variable("CLIPFS_ENDPOINT_URL", "http://127.0.0.1:4580"),
		variable("AWS_ACCESS_KEY_ID", "any"), variable("AWS_SECRET_ACCESS_KEY", "any"))
	emulator := map[string]any{"name": "emulator", "image": "localhost/clipfs:latest",
		"args": []any{"emulator", "--listen", "127.0.0.1:4580", "--stream", "door=testcard"}}
	spec["containers"] = append(spec["containers"].([]any), sidecar, emulator)
	return object
}
