//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	names "github.com/prometheus/common/model"
)

// observed are the flags of a mount that is observed.
func observed(more ...string) []string {
	return append([]string{"--metrics", "127.0.0.1:0", "--log-format", "json", "--price", "0.0085"}, more...)
}

// scraped is what a look at the metrics gave.
type scraped map[string]*dto.MetricFamily

// scrape looks at a mount's metrics, as Prometheus would read them.
func scrape(t *testing.T, m *harness.Mount) (scraped, string) {
	t.Helper()
	status, text := harness.Get(t, m.MetricsURL(t))
	if status != 200 {
		t.Fatalf("status %d: %s", status, text)
	}
	parser := expfmt.NewTextParser(names.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families, text
}

// sum adds up a metric where the labels ("name=value") are those given.
func (s scraped) sum(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	family := s["clipfs_"+name]
	if family == nil {
		t.Fatalf("no metric clipfs_%s", name)
	}
	total := 0.0
	for _, m := range family.GetMetric() {
		have := make(map[string]bool)
		for _, l := range m.GetLabel() {
			have[l.GetName()+"="+l.GetValue()] = true
		}
		if slices.ContainsFunc(labels, func(l string) bool { return !have[l] }) {
			continue
		}
		total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return total
}

// TestObserve: after a known workload the metrics are what the emulator counted and what was read, the status file says
// the same, the log says who asked, and none of it has a secret in it.
func TestObserve(t *testing.T) {
	harness.Need(t, "promtool")
	const session = "session-token-of-the-test"
	e := harness.StartEmulator(t, "--stream", "door=testcard")
	m := harness.StartMountWith(t, e, []string{"AWS_SESSION_TOKEN=" + session}, t.TempDir(), observed("--cache-size", "1GiB")...)
	path := m.Join("door", nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute)), "10m.mp4")
	throttled := e.Fault(t, "kind=throttle,api=ListFragments,count=2")
	size := float64(len(harness.Run(t, "cat", path)))
	eventually(t, "the clip is whole and closed", func() bool {
		s, _ := scrape(t, m)
		return s.sum(t, "open_handles") == 0 && s.sum(t, "downloads") == 0
	})
	if got := throttled.Hits(t); got != 2 {
		t.Fatalf("%d calls were throttled, want 2", got)
	}

	t.Run("counted as the emulator does", func(t *testing.T) {
		s, _ := scrape(t, m)
		calls, throttles, bytes := make(map[string]float64), 0.0, 0.0
		for _, c := range e.Counts(t) {
			calls[c.API] += float64(c.Calls)
			throttles += float64(c.Throttled)
			if c.API == "GetClip" {
				bytes += float64(c.Bytes)
			}
		}
		for api, want := range calls {
			if got := s.sum(t, "api_calls_total", "api="+api) + s.sum(t, "api_retries_total", "api="+api); got != want {
				t.Errorf("%s: %v calls and retries, the emulator had %v", api, got, want)
			}
		}
		for name, want := range map[string]float64{
			"api_throttles_total": throttles, "fetched_bytes_total": bytes, "read_bytes_total": size,
		} {
			if got := s.sum(t, name); got != want || want == 0 {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
		if got := s.sum(t, "api_throttles_total", "api=ListFragments"); got != 2 {
			t.Errorf("%v throttles of ListFragments, want 2", got)
		}
		if got, want := s.sum(t, "estimated_cost_total"), bytes/1e9*0.0085; got < want*0.999 || got > want*1.001 {
			t.Errorf("estimated cost %v, want %v", got, want)
		}
	})

	t.Run("read", func(t *testing.T) {
		s, _ := scrape(t, m)
		hits, misses := s.sum(t, "cache_hit_bytes_total"), s.sum(t, "cache_miss_bytes_total")
		if hits+misses != size || misses == 0 {
			t.Errorf("%v bytes of hits and %v of misses, read were %v", hits, misses, size)
		}
		if got := s.sum(t, "first_byte_duration_seconds"); got != 1 {
			t.Errorf("%v first bytes, want 1", got)
		}
		if got := s.sum(t, "read_duration_seconds"); got < size/(1<<20) {
			t.Errorf("%v reads of %v bytes", got, size)
		}
		other := m.Join("door", nameOf(time.Now().Add(-2*time.Hour).Truncate(time.Minute)), "1m.mp4")
		open, err := os.Open(other)
		if err != nil {
			t.Fatal(err)
		}
		now, _ := scrape(t, m)
		if got := now.sum(t, "open_handles"); got != 1 {
			t.Errorf("%v clips open, want 1", got)
		}
		if err := open.Close(); err != nil {
			t.Error(err)
		}
		if got, want := now.sum(t, "cache_limit_bytes"), float64(1<<30); got != want {
			t.Errorf("limits of the caches are %v together, want %v", got, want)
		}
		if got := now.sum(t, "cache_size_bytes", "cache=media"); got < size || got > 2*size {
			t.Errorf("the cache takes %v, %v were read", got, size)
		}
	})

	t.Run("form", func(t *testing.T) {
		s, text := scrape(t, m)
		problems, err := promlint.New(strings.NewReader(text)).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("promlint: %v, %v", problems, err)
		}
		check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
		check.Stdin = strings.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool check metrics: %v\n%s", err, out)
		}
		if got := s.sum(t, "build_info"); got != 1 {
			t.Errorf("build_info is %v", got)
		}
		for _, name := range []string{"go_goroutines", "process_resident_memory_bytes", "process_open_fds"} {
			if s[name] == nil {
				t.Errorf("no metric %s", name)
			}
		}
	})

	t.Run("status", func(t *testing.T) { checkStatus(t, m) })
	t.Run("log", func(t *testing.T) { checkLog(t, m, size) })

	_, text := scrape(t, m)
	status, err := os.ReadFile(m.Join(".clipfs", "status.json"))
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"metrics": text, "status": string(status), "log": m.Log()} {
		for _, secret := range []string{"test-secret", session, "AWS4-HMAC-SHA256", "Signature="} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: has %q in it", what, secret)
			}
		}
	}
}

// checkStatus compares the status file with the metrics, and looks at it as a file.
func checkStatus(t *testing.T, m *harness.Mount) {
	path := m.Join(".clipfs", "status.json")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() == 0 || info.Mode() != 0o400 {
		t.Errorf("%d bytes, mode %v", info.Size(), info.Mode())
	}
	s, _ := scrape(t, m)
	for name, text := range map[string][]byte{
		"cat": harness.Run(t, "cat", path), "tail": harness.Run(t, "tail", "-c", "+1", path), "dd": harness.Run(t, "dd", "if="+path, "bs=100", "status=none"),
	} {
		var got struct {
			Mountpoint    string
			Healthy       bool
			Calls         map[string]map[string]float64
			Retries       map[string]float64
			Throttles     map[string]float64
			FetchedBytes  float64 `json:"fetched_bytes"`
			ReadBytes     float64 `json:"read_bytes"`
			EstimatedCost float64 `json:"estimated_cost"`
			PricePerGB    float64 `json:"price_per_gb"`
			Periods       map[string]struct {
				FetchedBytes float64 `json:"fetched_bytes"`
			}
			FirstByte struct {
				Count float64
			} `json:"first_byte_seconds"`
			Cache struct {
				HitBytes  float64 `json:"hit_bytes"`
				MissBytes float64 `json:"miss_bytes"`
				Media     map[string]float64
			}
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v: %q", name, err, text)
		}
		if got.Mountpoint != m.Path || !got.Healthy || got.PricePerGB != 0.0085 {
			t.Errorf("%s: mountpoint %s, healthy %v, price %v", name, got.Mountpoint, got.Healthy, got.PricePerGB)
		}
		pairs := map[string][2]float64{
			"fetched":    {got.FetchedBytes, s.sum(t, "fetched_bytes_total")},
			"this month": {got.Periods["month"].FetchedBytes, s.sum(t, "fetched_bytes_total")},
			"read":       {got.ReadBytes, s.sum(t, "read_bytes_total")},
			"cost":       {got.EstimatedCost, s.sum(t, "estimated_cost_total")},
			"first byte": {got.FirstByte.Count, s.sum(t, "first_byte_duration_seconds")},
			"hits":       {got.Cache.HitBytes, s.sum(t, "cache_hit_bytes_total")},
			"misses":     {got.Cache.MissBytes, s.sum(t, "cache_miss_bytes_total")},
			"size":       {got.Cache.Media["size_bytes"], s.sum(t, "cache_size_bytes", "cache=media")},
			"entries":    {got.Cache.Media["entries"], s.sum(t, "cache_entries", "cache=media")},
			"retries":    {got.Retries["ListFragments"], s.sum(t, "api_retries_total", "api=ListFragments")},
			"throttles":  {got.Throttles["ListFragments"], s.sum(t, "api_throttles_total", "api=ListFragments")},
		}
		for api, results := range got.Calls {
			for result, n := range results {
				pairs[api+" "+result] = [2]float64{n, s.sum(t, "api_calls_total", "api="+api, "result="+result)}
			}
		}
		for what, pair := range pairs {
			if pair[0] != pair[1] {
				t.Errorf("%s: %s: the status says %v, the metrics %v", name, what, pair[0], pair[1])
			}
		}
	}
	for dir, want := range map[string][]string{m.Path: {"door"}, m.Join(".clipfs"): {"status.json"}} {
		if got := namesIn(t, dir); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", dir, got, want)
		}
	}
	if err := os.WriteFile(path, []byte("x"), 0o644); err == nil {
		t.Error("the status can be written")
	}
}

// namesIn lists a directory.
func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, e := range entries {
		names[e.Name()] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// checkLog looks for the line that says who had the clip fetched, and follows an operation through the layers.
func checkLog(t *testing.T, m *harness.Mount, size float64) {
	of := func(msg string) (found []map[string]any) {
		for _, line := range m.Lines(t) {
			if line["msg"] == msg {
				found = append(found, line)
			}
		}
		return found
	}
	var clips []map[string]any
	for _, line := range of("clip fetched") {
		if line["command"] == "cat" {
			clips = append(clips, line)
		}
	}
	if len(clips) != 1 {
		t.Fatalf("%d lines about the clip that cat had fetched, want 1: %v", len(clips), of("clip fetched"))
	}
	c := clips[0]
	if c["level"] != "INFO" || c["stream"] != "door" || c["uid"] != float64(os.Getuid()) || c["pid"].(float64) <= 1 || c["calls"] != 10.0 {
		t.Errorf("the line is %v", c)
	}
	if bytes := c["bytes"].(float64); bytes < size*0.9 || bytes > size*1.1 {
		t.Errorf("%v bytes fetched of a clip of %v", bytes, size)
	}
	if took := c["took"].(float64); took <= 0 || took > 60 {
		t.Errorf("it took %v s", took)
	}
	if _, ok := c["span"].(string); !ok {
		t.Errorf("the span is %v", c["span"])
	}
	asked := fmt.Sprint(c["asked"])
	found := make(map[string]int)
	for _, line := range m.Lines(t) {
		if fmt.Sprint(line["op"]) != asked {
			continue
		}
		key := fmt.Sprint(line["msg"])
		if key == "operation" {
			key = fmt.Sprint(line["name"])
		}
		if key == "call" {
			key = fmt.Sprint(line["api"])
			if id, _ := line["request"].(string); len(id) < 8 {
				t.Errorf("no request id of the service: %v", line)
			}
		}
		found[key]++
	}
	if found["open"] != 1 || found["GetClip"] != 10 || found["payload fetched"] != 10 {
		t.Errorf("operation %s, in all layers: %v", asked, found)
	}
	_ = harness.Run(t, "stat", m.Path)
	for _, name := range []string{"no name", "door/no-start", "door/last/no-length", ".clipfs/nothing"} {
		if _, err := os.Stat(m.Join(name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		told := func(line map[string]any) bool { return line["path"] == name && line["errno"] == "ENOENT" }
		eventually(t, "the log has the lookup of "+name, func() bool { return slices.ContainsFunc(of("operation"), told) })
	}
	_ = harness.Run(t, "stat", "-f", m.Path)
	for _, name := range []string{"lookup", "open", "read", "close", "getattr", "statfs", "list"} {
		eventually(t, "the log has a "+name, func() bool {
			return slices.ContainsFunc(of("operation"), func(line map[string]any) bool { return line["name"] == name && line["op"].(float64) > 0 })
		})
	}
}
