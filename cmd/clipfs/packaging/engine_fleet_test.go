//go:build containers && e2e

package packaging_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clipfs/clip/shared/gateway"

	"go.yaml.in/yaml/v3"
)

// storeImage is the image that the example of a fleet builds; here it has the program that the other tests use.
const storeImage = "localhost/clipfs-store:latest"

// store makes the image of the store, of the program and the libraries that it names.
func (e engine) store() {
	e.t.Helper()
	program := gateway.Program()
	if program == "" {
		e.t.Fatal("versitygw is not installed: .ci/test builds it")
	}
	files := []string{}
	if libraries, err := e.try("ldd", program); err == nil { // else it needs none
		for _, field := range strings.Fields(libraries) {
			if strings.HasPrefix(field, "/") {
				files = append(files, field)
			}
		}
	}
	for _, path := range append(files, program) {
		to := e.path("store", path)
		if path == program {
			to = e.path("store/usr/local/bin/versitygw")
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			e.t.Fatal(err)
		}
		e.must("cp", "-L", path, to)
	}
	e.write("store.Dockerfile", "FROM "+alpine+"\nCOPY store /\nENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n")
	e.write(".dockerignore", "*\n!store\n")
	e.must("podman", "build", "--quiet", "--network=none", "--tag", storeImage, "--file", e.path("store.Dockerfile"), e.dir)
}

// hostStatus is what status.json says of a host of the fleet.
type hostStatus struct {
	Calls  map[string]map[string]float64
	Shared struct {
		Up      bool
		Read    float64 `json:"read_bytes"`
		Waiting float64 `json:"waiting_bytes"`
		Offers  map[string]float64
	}
}

func (e engine) hostStatus(mount string) (s hostStatus) {
	e.t.Helper()
	text, err := os.ReadFile(filepath.Join(mount, ".clipfs/status.json"))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		e.t.Error(err)
	}
	return s
}

// fleet: of the two hosts of the example for compose the second reads what the first has fetched.
func (e engine) fleet() {
	e.store()
	dir := e.path("hosts")
	for _, host := range []string{"one", "two"} {
		if err := os.MkdirAll(filepath.Join(dir, host), 0o755); err != nil {
			e.t.Fatal(err)
		}
	}
	e.env = append(e.env, "CAMERAS="+dir)
	file := e.path("tree/cmd/clipfs/packaging/compose-fleet.yaml")
	e.must("podman-compose", "--project-name", "fleet", "--file", file, "up", "--detach", "--no-build")
	defer func() { e.run("podman-compose", "--project-name", "fleet", "--file", file, "down", "--volumes") }()
	one, two := filepath.Join(dir, "one/cameras"), filepath.Join(dir, "two/cameras")
	e.lists(one, "door")
	e.lists(two, "door")
	e.shares(one, two, "fleet_two_1")
}

// shares: what one host reads another reads in the bucket, byte for byte, and makes no GetClip call.
func (e engine) shares(one, two, container string) {
	e.t.Helper()
	clip := filepath.Join("door", time.Now().UTC().Add(-3*time.Hour).Format("2006-01-02T15:04"), "2m.mp4")
	want, err := os.ReadFile(filepath.Join(one, clip))
	if err != nil {
		e.t.Fatal(err)
	}
	e.eventually("the first host has shared what it read", func() bool {
		s := e.hostStatus(one).Shared
		return s.Offers["written"] >= 1 && s.Waiting == 0 // one call brings all of it, which is one object
	})
	got, err := os.ReadFile(filepath.Join(two, clip))
	if err != nil || !bytes.Equal(got, want) {
		e.t.Errorf("the second host: %d bytes of %d, %v", len(got), len(want), err)
	}
	if s := e.hostStatus(two); !s.Shared.Up || s.Shared.Read == 0 || len(s.Calls["GetClip"]) > 0 {
		e.t.Errorf("the second host says %+v\n%s", s, e.run("podman", "logs", container))
	}
}

// nodes runs the pods of fleet.yaml as two nodes, and the pod that reads on one. podman 4.3 knows no DaemonSet and crashes on a Secret as
// a volume: the pods are made of the template, as a node has them, and the secret is a file. They have the network of the test, on which
// emulator and store are.
func (e engine) nodes() {
	run := []string{"run", "--detach", "--network=host"}
	e.must("podman", append(run, "--name", "node-emulator", "clipfs", "emulator", "--listen", "127.0.0.1:4590", "--stream", "door=testcard")...)
	e.must("podman", append(run, "--name", "node-store", "--env", "ROOT_ACCESS_KEY_ID=any", "--env", "ROOT_SECRET_ACCESS_KEY=any-secret", storeImage,
		"/bin/sh", "-c", "mkdir -p /store/objects/footage /store/side && exec versitygw --port 127.0.0.1:7070 posix --sidecar /store/side /store/objects")...)
	defer e.run("podman", "rm", "--force", "--time", "1", "node-emulator", "node-store")
	e.write("nodes/secret/key", strings.Repeat("0123456789abcdef", 4))
	var mounts []string
	for i, node := range []string{"one", "two"} {
		for _, dir := range []string{"lib", "cache"} {
			if err := os.MkdirAll(e.path("nodes", node, dir), 0o755); err != nil {
				e.t.Fatal(err)
			}
		}
		mounts = append(mounts, e.path("nodes", node, "lib", "cameras"))
		e.play(node, e.nodePod(node, 9464+i))
		defer func() {
			e.run("podman", "stop", "--time", "20", node+"-clipfs") // what is killed leaves its mount behind
			e.run("podman", "kube", "down", e.path(node+".yaml"))
		}()
	}
	for _, mount := range mounts {
		e.lists(mount, "door")
	}
	e.shares(mounts[0], mounts[1], "two-clipfs")
	e.play("reader", e.podOf("two", "Pod"))
	defer e.run("podman", "kube", "down", e.path("reader.yaml"))
	e.eventually("the pod that reads lists the stream", func() bool {
		return strings.Contains(e.run("podman", "logs", "clipfs-fleet-reader-reader"), "door")
	})
}

// play starts a pod.
func (e engine) play(name string, pod map[string]any) {
	e.t.Helper()
	text, err := yaml.Marshal(pod)
	if err != nil {
		e.t.Fatal(err)
	}
	e.write(name+".yaml", string(text))
	e.must("podman", "kube", "play", e.path(name+".yaml"))
}

// nodePod gives the pod that a node has of the DaemonSet, with what this machine needs: the emulator, the store and its credentials, and a
// port for metrics of its own.
func (e engine) nodePod(node string, metrics int) map[string]any {
	e.t.Helper()
	template := e.podOf(node, "DaemonSet")["spec"].(map[string]any)["template"].(map[string]any)
	spec := template["spec"].(map[string]any)
	delete(spec, "serviceAccountName")
	spec["hostNetwork"] = true
	clipfs := spec["containers"].([]any)[0].(map[string]any)
	for _, field := range []string{"readinessProbe", "ports"} {
		delete(clipfs, field)
	}
	clipfs["image"] = "localhost/clipfs:latest"
	for name, value := range map[string]string{
		"CLIPFS_ENDPOINT_URL": "http://127.0.0.1:4590", "CLIPFS_SHARED_ENDPOINT_URL": "http://127.0.0.1:7070", "CLIPFS_SHARED_PATH_STYLE": "true",
		"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any-secret",
	} {
		clipfs["env"] = append(clipfs["env"].([]any), map[string]any{"name": name, "value": value})
	}
	args := clipfs["args"].([]any)
	args[slices.Index(args, any("--metrics=0.0.0.0:9464"))] = fmt.Sprintf("--metrics=127.0.0.1:%d", metrics)
	return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": node}, "spec": spec}
}

// podOf gives the object of a kind in fleet.yaml, with the folders of a node in place of the host's.
func (e engine) podOf(node, kind string) map[string]any {
	e.t.Helper()
	text, err := os.ReadFile("kubernetes/fleet.yaml")
	if err != nil {
		e.t.Fatal(err)
	}
	here := strings.NewReplacer(
		"hostPath: {path: /var/lib/clipfs,", "hostPath: {path: "+e.path("nodes", node, "lib")+",",
		"hostPath: {path: /var/cache/clipfs,", "hostPath: {path: "+e.path("nodes", node, "cache")+",",
		"secret: {secretName: clipfs-fleet, defaultMode: 0400}", "hostPath: {path: "+e.path("nodes/secret")+", type: Directory}",
		"image: alpine:3.22", "image: "+alpine,
	).Replace(string(text))
	for decoder := yaml.NewDecoder(strings.NewReader(here)); ; {
		var object map[string]any
		if err := decoder.Decode(&object); err != nil {
			e.t.Fatalf("no %s in fleet.yaml: %v", kind, err)
		}
		if object["kind"] == kind {
			return object
		}
	}
}
