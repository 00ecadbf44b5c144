//go:build e2e

package packaging_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"go.yaml.in/yaml/v3"
)

// object is what we look at of a Kubernetes object.
type object struct {
	Kind     string
	Metadata struct {
		Name        string
		Annotations map[string]string
	}
	Spec struct {
		pod      `yaml:",inline"`
		Template struct{ Spec pod }
	}
}

// pod is the specification of a pod.
type pod struct {
	ServiceAccountName            string      `yaml:"serviceAccountName"`
	HostPID                       bool        `yaml:"hostPID"`
	ShareProcessNamespace         bool        `yaml:"shareProcessNamespace"`
	TerminationGracePeriodSeconds int         `yaml:"terminationGracePeriodSeconds"`
	InitContainers                []container `yaml:"initContainers"`
	Containers                    []container
	Volumes                       []struct{ Name string }
}

// container is one of its containers.
type container struct {
	Name, Image     string
	RestartPolicy   string `yaml:"restartPolicy"`
	Command, Args   []string
	SecurityContext struct{ Privileged bool } `yaml:"securityContext"`
	VolumeMounts    []struct {
		Name        string
		MountPath   string `yaml:"mountPath"`
		Propagation string `yaml:"mountPropagation"`
	} `yaml:"volumeMounts"`
}

// objects reads a file of objects.
func objects(t *testing.T, path string) []object {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []object
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, o)
	}
}

// accepted makes sure that the command takes its arguments.
func accepted(t *testing.T, args []string) {
	t.Helper()
	last := "--print-config"
	if args[0] != "mount" {
		last = "--help"
	}
	if _, stderr, err := harness.TryRun(t, harness.Binary(t), append(slices.Clone(args), last)...); err != nil {
		t.Errorf("clipfs %q: %v, %s", args, err, stderr)
	}
}

// TestKubernetes: clipfs takes its arguments, its mountpoint is below a volume that it shares with the host, in a
// privileged container as that needs, with a role; and somebody sees what is mounted there.
func TestKubernetes(t *testing.T) {
	const grace = 30 * time.Second // more than --grace is by default
	for _, file := range []string{"daemonset.yaml", "fleet.yaml", "sidecar.yaml"} {
		t.Run(file, func(t *testing.T) {
			roles := make(map[string]string)
			mounts, readers := 0, 0
			for _, o := range objects(t, filepath.Join("kubernetes", file)) {
				if o.Kind == "ServiceAccount" {
					roles[o.Metadata.Name] = o.Metadata.Annotations["eks.amazonaws.com/role-arn"]
				}
				for _, p := range []pod{o.Spec.pod, o.Spec.Template.Spec} {
					volumes := make(map[string]bool)
					for _, v := range p.Volumes {
						volumes[v.Name] = true
					}
					for _, c := range append(slices.Clone(p.InitContainers), p.Containers...) {
						shared := ""
						for _, v := range c.VolumeMounts {
							if !volumes[v.Name] {
								t.Errorf("%s: no volume %s", c.Name, v.Name)
							}
							switch v.Propagation {
							case "Bidirectional":
								shared = v.MountPath
							case "HostToContainer":
								readers++
							}
						}
						if c.Name != "clipfs" {
							continue
						}
						mounts++
						accepted(t, c.Args)
						if at := c.Args[len(c.Args)-1]; shared == "" || filepath.Dir(at) != shared || !strings.Contains(strings.Join(c.Command, " "), at) {
							t.Errorf("mountpoint %s is not made right below a volume that is shared, %q", at, shared)
						}
						if sees := p.HostPID || p.ShareProcessNamespace; !sees || !c.SecurityContext.Privileged {
							t.Error("not privileged, or without the processes of others")
						}
						if roles[p.ServiceAccountName] == "" {
							t.Errorf("no role for service account %q", p.ServiceAccountName)
						}
						if time.Duration(p.TerminationGracePeriodSeconds)*time.Second <= grace {
							t.Errorf("%d s to end are too short", p.TerminationGracePeriodSeconds)
						}
					}
				}
			}
			if mounts != 1 || readers == 0 {
				t.Errorf("%d mounts, %d readers; want one, and somebody who reads", mounts, readers)
			}
		})
	}
}

func TestCompose(t *testing.T) {
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image   string
			Command []string
			Devices []string
			CapAdd  []string `yaml:"cap_add"`
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(file.Services)); !slices.Equal(got, []string{"clipfs", "emulator"}) {
		t.Fatalf("services %q", got)
	}
	for name, s := range file.Services {
		if s.Image != "clipfs" {
			t.Errorf("%s has image %q", name, s.Image)
		}
		accepted(t, s.Command)
	}
	mount := file.Services["clipfs"]
	if line := strings.Join(mount.Command, " "); strings.Contains(line, "http://emulator") && !slices.Contains(mount.Command, "--insecure-endpoint") {
		t.Errorf("%s: an endpoint on another machine is refused", line)
	}
	if !slices.Contains(mount.Devices, "/dev/fuse") || !slices.Contains(mount.CapAdd, "SYS_ADMIN") {
		t.Errorf("devices %q, capabilities %q: it cannot mount", mount.Devices, mount.CapAdd)
	}
}

// TestComposeFleet: the hosts of the example share a bucket of a store that is there, and each has a cache of its own.
func TestComposeFleet(t *testing.T) {
	text, err := os.ReadFile("compose-fleet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image, Entrypoint string
			Command           []string
			Environment       map[string]string
			Volumes           []any
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(file.Services)); !slices.Equal(got, []string{"emulator", "one", "store", "two"}) {
		t.Fatalf("services %q", got)
	}
	for _, name := range []string{"emulator", "one", "two"} {
		accepted(t, file.Services[name].Command)
	}
	one, two, store := file.Services["one"], file.Services["two"], file.Services["store"]
	if !maps.Equal(one.Environment, two.Environment) || one.Volumes[0] == two.Volumes[0] {
		t.Errorf("the hosts differ in more than their caches, or share them: %v and %v", one, two)
	}
	for variable, want := range map[string]string{
		"CLIPFS_SHARED_CACHE": "s3://footage/clipfs", "CLIPFS_SHARED_ENDPOINT_URL": "http://store:7070",
		"AWS_ACCESS_KEY_ID": store.Environment["ROOT_ACCESS_KEY_ID"], "AWS_SECRET_ACCESS_KEY": store.Environment["ROOT_SECRET_ACCESS_KEY"],
	} {
		if got := one.Environment[variable]; got != want {
			t.Errorf("%s is %q, want %q", variable, got, want)
		}
	}
	if line := strings.Join(store.Command, " "); !strings.Contains(line, "objects/footage") || !strings.Contains(line, ":7070") {
		t.Errorf("the store has no such bucket or port: %s", line)
	}
}

// TestDockerfile: what is built in one image without C is copied into a small one.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(filepath.Join("..", "..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := ""
	for line := range strings.Lines(string(module)) {
		if v, ok := strings.CutPrefix(line, "go "); ok {
			version = strings.Join(strings.Split(strings.TrimSpace(v), ".")[:2], ".")
		}
	}
	want := []string{"FROM golang:" + version + "-alpine AS build", "RUN CGO_ENABLED=0 go build -trimpath", "FROM alpine:", "COPY --from=build /clipfs"}
	rest := string(text)
	for _, w := range want {
		_, after, ok := strings.Cut(rest, "\n"+w)
		if !ok {
			t.Fatalf("no %q, or not in this order: %q", w, want)
		}
		rest = after
	}
	for line := range strings.Lines(rest) {
		if args, ok := strings.CutPrefix(line, "CMD "); ok {
			var all []string
			if err := yaml.Unmarshal([]byte(args), &all); err != nil {
				t.Fatal(err)
			}
			accepted(t, all)
		}
	}
}
