//go:build e2e

package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/control"
	"clipfs/cmd/internal/child"
	"clipfs/cmd/internal/harness"
)

// inPath runs a command in a directory, with clipfs in the PATH, and gives what it prints.
func inPath(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.WaitDelay = dir, 10*time.Second
	cmd.Env = child.Environment("PATH="+filepath.Dir(harness.Binary(t))+":"+os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestExamples: what shows other projects how they test against the emulator works.
func TestExamples(t *testing.T) {
	t.Parallel()
	const dir = "../../../clip/emulator/examples"
	t.Run("go", func(t *testing.T) {
		if out := inPath(t, dir, "go", "test", "-tags", "examples", "-count", "1", "-v", "."); !strings.Contains(out, "--- PASS: TestDoor ") {
			t.Errorf("it did not run: %s", out)
		}
	})
	t.Run("pytest", func(t *testing.T) {
		harness.Need(t, "/usr/bin/python3")
		if _, err := os.Stat("/usr/lib/python3/dist-packages/pytest"); err != nil {
			harness.Skip(t, "pytest is not installed")
		}
		if out := inPath(t, dir, "/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_door.py"); !strings.Contains(out, "4 passed") {
			t.Errorf("not all ran: %s", out)
		}
	})
}

// TestRecipes: the commands of the emulator's README that send media do: each brings a minute's fragments, all of which are listed.
func TestRecipes(t *testing.T) {
	t.Parallel()
	harness.Need(t, "bash", "gst-launch-1.0", "curl")
	text, err := os.ReadFile("../../../clip/emulator/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, recipes, _ := strings.Cut(string(text), "<!-- recipes -->\n")
	recipes, _, ok := strings.Cut(recipes, "<!-- recipes end -->")
	commands := regexp.MustCompile(`(?m)^    # (\w+)\n((?:    [^#\n].*\n)+)`).FindAllStringSubmatch(recipes, -1)
	if !ok || len(commands) != 4 {
		t.Fatalf("%d recipes in %q", len(commands), recipes)
	}
	day := harness.FFmpeg(t, "day.mp4", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=8", "-f", "lavfi", "-i", "sine=sample_rate=48000:duration=8",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-sc_threshold", "0", "-c:a", "aac", "-shortest")
	e, err := control.Start(t.Context(), control.Command{Program: harness.Binary(t), Args: []string{"--quota", "off"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	ports := strings.NewReplacer("http://127.0.0.1:4580", e.Endpoint, "http://127.0.0.1:4581", e.DataEndpoint, "emulator put ", "emulator put --endpoint-url "+e.Endpoint+" ")
	for _, c := range commands {
		t.Run(c[1], func(t *testing.T) {
			if err := e.ResetCalls(t.Context()); err != nil {
				t.Fatal(err)
			}
			out := inPath(t, filepath.Dir(day), "bash", "-e", "-o", "pipefail", "-c", ports.Replace(c[2]))
			calls, err := e.Calls(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			persisted := int64(0)
			for _, k := range calls {
				if k.API == "PutMedia" {
					persisted += k.Fragments
				}
			}
			if persisted != 4 || strings.Count(out, "PERSISTED") != 4 || strings.Contains(out, "ERROR") {
				t.Errorf("%d fragments persisted, want 4: %s", persisted, out)
			}
		})
	}
}
