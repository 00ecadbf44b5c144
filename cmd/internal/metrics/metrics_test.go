package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/meter"
	"clipfs/clip/quota"
	"clipfs/clip/shared"
	"clipfs/cmd/internal/metrics"
	"clipfs/fs"

	dto "github.com/prometheus/client_model/go"
)

// full gives metrics of a mount of which everything has happened, with so many streams.
func full(streams int) *metrics.Metrics {
	m := metrics.New(metrics.Options{Price: 2, PriceImage: 0.25})
	m.Called("GetClip", 1, time.Second, nil)
	m.Called("GetClip", 3, time.Second, fmt.Errorf("stream: %w", archive.ErrUnreachable))
	m.Retried("GetClip")
	m.Refused("GetClip")
	m.Read(1000, time.Millisecond)
	m.FirstByte(time.Second)
	m.Failed("open", syscall.EACCES)
	var quotas []quota.Left
	for i := range streams {
		q := quota.Left{Stream: archive.StreamName(fmt.Sprintf("camera-%d", i)), Name: "media", Level: quota.Level{Left: float64(100 + i), Burst: 500, Rate: 500, Limit: 500}}
		quotas = append(quotas, q)
	}
	if streams > 1 {
		quotas[1].Waiting, quotas[1].Left, quotas[1].Rate = 3, 7, 250
	}
	m.Attach(metrics.Sources{
		Mountpoint: "/mnt", Alive: func() error { return nil },
		Library: func() clip.Stats {
			return clip.Stats{Stats: download.Stats{Fetched: 3_000_000_000, Images: 10, Payloads: 4, Failed: 5, Downloads: 6, Cached: 7, Waited: 8}, Handles: 9}
		},
		Fetched: func() meter.Fetched {
			return meter.Fetched{Hour: 1, Day: 2, Month: 4_000_000_000, MonthImages: 20, Limit: meter.Limit{Bytes: 2, Per: meter.PerDay}, Resumes: time.Unix(1e9, 0)}
		},
		Quotas:  func() []quota.Left { return slices.Clone(quotas) },
		Denials: func() fs.Denials { return fs.Denials{Denied: 10, Unresolved: 11} },
		Media: func() cache.Stats {
			return cache.Stats{Whole: 12, Bytes: 13, MaxBytes: 14, Memory: 15, MaxMemory: 16, Hits: 17, Shared: 18, Misses: 19, Evictions: 20, Expired: 21}
		},
		Heads:          func() cache.Stats { return cache.Stats{Whole: 22, Bytes: 23, MaxBytes: 24, Evictions: 25} },
		Shared:         func() shared.Stats { return shared.Stats{Bytes: 26, UploadedBytes: 30_000_000_000} },
		SharedRequests: func() metrics.Requests { return metrics.Requests{Reads: 27_000, Writes: 28_000} },
	})
	return m
}

// gather gives the metrics by name.
func gather(t *testing.T, m *metrics.Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	all, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	by := make(map[string]*dto.MetricFamily)
	for _, f := range all {
		by[f.GetName()] = f
	}
	return by
}

// TestValues: what the sources say comes out under the right names.
func TestValues(t *testing.T) {
	want := `
		# HELP clipfs_cache_evictions_total Entries removed to make space.
		# TYPE clipfs_cache_evictions_total counter
		clipfs_cache_evictions_total{cache="heads"} 25
		clipfs_cache_evictions_total{cache="media"} 20
		# HELP clipfs_cache_lookups_total Entries asked of the cache, by whether they were there, being filled, or absent.
		# TYPE clipfs_cache_lookups_total counter
		clipfs_cache_lookups_total{cache="heads",result="hit"} 0
		clipfs_cache_lookups_total{cache="heads",result="miss"} 0
		clipfs_cache_lookups_total{cache="heads",result="shared"} 0
		clipfs_cache_lookups_total{cache="media",result="hit"} 17
		clipfs_cache_lookups_total{cache="media",result="miss"} 19
		clipfs_cache_lookups_total{cache="media",result="shared"} 18
		# HELP clipfs_denied_opens_total Clips not opened because the program is on the list of --deny.
		# TYPE clipfs_denied_opens_total counter
		clipfs_denied_opens_total 10
		# HELP clipfs_estimated_cost_total What the fetched bytes and images cost, by --price a gigabyte and --price-image an image.
		# TYPE clipfs_estimated_cost_total counter
		clipfs_estimated_cost_total 8.5
		# HELP clipfs_fetched_images_total Images that the archive has sent, for stills.
		# TYPE clipfs_fetched_images_total counter
		clipfs_fetched_images_total 10
		# HELP clipfs_fetch_limit_bytes How many bytes may be fetched in the period (--fetch-limit), where there is a limit.
		# TYPE clipfs_fetch_limit_bytes gauge
		clipfs_fetch_limit_bytes{period="day"} 2
		# HELP clipfs_fetch_limit_reached 1 where the limit is reached, so that only the cache is read.
		# TYPE clipfs_fetch_limit_reached gauge
		clipfs_fetch_limit_reached 1
		# HELP clipfs_period_fetched_bytes Bytes of media that the archive has sent in the present hour, day and month (UTC), to all mounts that had this cache.
		# TYPE clipfs_period_fetched_bytes gauge
		clipfs_period_fetched_bytes{period="day"} 2
		clipfs_period_fetched_bytes{period="hour"} 1
		clipfs_period_fetched_bytes{period="month"} 4e+09
		# HELP clipfs_operation_errors_total Operations on the mount that were answered with an error.
		# TYPE clipfs_operation_errors_total counter
		clipfs_operation_errors_total{errno="EACCES",operation="open"} 1
		# HELP clipfs_quota_left_points Quota points a call could have at once, of the stream that has least.
		# TYPE clipfs_quota_left_points gauge
		clipfs_quota_left_points{quota="media"} 7
		# HELP clipfs_quota_slowed_streams Streams whose calls are held back because the archive refused some for an exceeded limit.
		# TYPE clipfs_quota_slowed_streams gauge
		clipfs_quota_slowed_streams{quota="media"} 1
		# HELP clipfs_quota_waiting_calls Calls that wait for quota points, of all streams.
		# TYPE clipfs_quota_waiting_calls gauge
		clipfs_quota_waiting_calls{quota="media"} 3
	`
	names := regexp.MustCompile(`TYPE (\S+)`).FindAllStringSubmatch(want, -1)
	var only []string
	for _, n := range names {
		only = append(only, n[1])
	}
	if err := testutil.GatherAndCompare(full(5).Gatherer(), strings.NewReader(want), only...); err != nil {
		t.Error(err)
	}
}

// TestForm: names and units are conventional, as Prometheus' own linter sees it, and everything described has a value.
func TestForm(t *testing.T) {
	problems, err := testutil.GatherAndLint(full(5).Gatherer())
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// TestCardinality: a thousand cameras have no more series than one has.
func TestCardinality(t *testing.T) {
	count := func(m *metrics.Metrics) (n int) {
		for name, f := range gather(t, m) {
			if strings.HasPrefix(name, "clipfs_") {
				n += len(f.GetMetric())
			}
		}
		return n
	}
	if one, many := count(full(1)), count(full(1000)); one != many || one > 150 {
		t.Errorf("%d series for one stream, %d for a thousand", one, many)
	}
	status := full(1000).Status()
	if month := status.Periods["month"]; month.EstimatedCost != 13 || month.FetchedImages != 20 || status.FetchedImages != 10 || status.PricePerImage != 0.25 || status.FetchLimit != "2B/day" || !status.Resumes.Equal(time.Unix(1e9, 0)) {
		t.Errorf("the status says %+v of the month, limit %s, until %v", month, status.FetchLimit, status.Resumes)
	}
	if len(status.Quotas) != 10 || status.Quotas[0].Stream != "camera-1" || status.Quotas[0].Waiting != 3 {
		t.Errorf("the status names %+v", status.Quotas)
	}
}

// TestReadsAllocateNothing: counting a read does not.
func TestReadsAllocateNothing(t *testing.T) {
	m := metrics.New(metrics.Options{})
	if got := testing.AllocsPerRun(1000, func() {
		m.Read(128<<10, 50*time.Microsecond)
		m.FirstByte(time.Millisecond)
	}); got != 0 {
		t.Errorf("%v allocations a read", got)
	}
}

func TestResults(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{nil, "ok"},
		{archive.ErrCredentials, "credentials"},
		{archive.ErrDenied, "denied"},
		{archive.ErrRefused, "refused"},
		{archive.ErrNoStream, "not_found"},
		{archive.ErrNoFootage, "not_found"},
		{archive.ErrInvalid, "invalid"},
		{archive.ErrMedia, "media"},
		{archive.ErrCodecChange, "media"},
		{archive.ErrNoRetention, "no_retention"},
		{archive.ErrThrottled, "throttled"},
		{archive.ErrUnreachable, "unreachable"},
		{context.Canceled, "given_up"},
		{errors.New("else"), "error"},
	} {
		m := metrics.New(metrics.Options{})
		if row.err != nil {
			m.Called("ListStreams", 1, 0, fmt.Errorf("wrapped: %w", row.err))
		} else {
			m.Called("ListStreams", 1, 0, nil)
		}
		status := m.Status()
		if got := status.Calls["ListStreams"]; len(got) != 1 || got[row.want] != 1 {
			t.Errorf("%v: got %v, want %s", row.err, got, row.want)
		}
	}
}

// TestHealth: only answers that tell of credentials change what is thought of them, and a dead mount is one.
func TestHealth(t *testing.T) {
	m := metrics.New(metrics.Options{})
	if err := m.Health(); err == nil {
		t.Error("well before it is mounted")
	}
	dead := error(nil)
	m.Attach(metrics.Sources{Alive: func() error { return dead }})
	for _, step := range []struct {
		err  error
		well bool
	}{
		{nil, true}, {archive.ErrUnreachable, true}, {archive.ErrDenied, true}, {archive.ErrCredentials, false}, {archive.ErrUnreachable, false},
		{archive.ErrThrottled, false}, {context.Canceled, false}, {archive.ErrNoFootage, true}, {archive.ErrCredentials, false}, {nil, true},
	} {
		m.Called("GetClip", 1, 0, step.err)
		if err := m.Health(); (err == nil) != step.well {
			t.Errorf("after %v: %v", step.err, err)
		}
	}
	dead = fs.ErrDead
	if err := m.Health(); !errors.Is(err, fs.ErrDead) {
		t.Errorf("dead mount: %v", err)
	}
}

// TestQuantiles: the status' estimates lie where the samples do.
func TestQuantiles(t *testing.T) {
	m := metrics.New(metrics.Options{})
	for range 90 {
		m.Read(1, 2*time.Millisecond)
	}
	for range 10 {
		m.Read(1, 4*time.Second)
	}
	status := m.Status()
	got := status.Read
	if got.Count != 100 || got.P50 < 0.001 || got.P50 > 0.0025 || got.P95 < 2.5 || got.P95 > 5 || got.Mean < 0.401 || got.Mean > 0.402 {
		t.Errorf("got %+v", got)
	}
}

// TestSharedCosts: requests and storage of the shared cache cost what the prices say, and bytes that neither it nor the archive sent are
// those of the disk.
func TestSharedCosts(t *testing.T) {
	m := metrics.New(metrics.Options{Shared: metrics.SharedPrices{Reads: 1, Writes: 2, Storage: 30, Keep: 7 * 24 * time.Hour}})
	m.Read(100, time.Millisecond)
	m.Attach(metrics.Sources{
		Library:        func() clip.Stats { return clip.Stats{Stats: download.Stats{Fetched: 30, Shared: 50}} },
		Shared:         func() shared.Stats { return shared.Stats{UploadedBytes: 2_000_000_000} },
		SharedRequests: func() metrics.Requests { return metrics.Requests{Reads: 3000, Writes: 4000} },
	})
	status := m.Status()
	if want := map[string]float64{"reads": 3, "writes": 8, "storage": 14}; !maps.Equal(status.Shared.Costs, want) {
		t.Errorf("costs: got %v, want %v", status.Shared.Costs, want)
	}
	if status.LocalBytes != 20 {
		t.Errorf("%g bytes of the disk, want 20", status.LocalBytes)
	}
	for _, c := range gather(t, m)["clipfs_shared_estimated_cost_total"].GetMetric() {
		if label := c.GetLabel()[0].GetValue(); c.GetCounter().GetValue() != status.Shared.Costs[label] {
			t.Errorf("%s: %s", label, c)
		}
	}
}

// TestDashboard: every metric that the dashboard asks for is one of ours, with the labels it goes by.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../clipfs/packaging/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title  string
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	known := gather(t, full(2))
	name := regexp.MustCompile(`\b(?:clipfs|process|go)_[a-z0-9_]+`)
	label := regexp.MustCompile(`(?:by|without) \(([^)]*)\)`)
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	queries := 0
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %s asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			queries++
			used := name.FindAllString(target.Expr, -1)
			if len(used) == 0 {
				t.Errorf("panel %s: no metric in %s", p.Title, target.Expr)
			}
			have := map[string]bool{"le": true, "instance": true}
			for _, metric := range used {
				f := known[metric]
				if f == nil && known[suffix.ReplaceAllString(metric, "")].GetType() == dto.MetricType_HISTOGRAM {
					f = known[suffix.ReplaceAllString(metric, "")]
				}
				if f == nil {
					t.Errorf("panel %s asks for %s, which is no metric", p.Title, metric)
				}
				for _, m := range f.GetMetric() {
					for _, l := range m.GetLabel() {
						have[l.GetName()] = true
					}
				}
			}
			for _, by := range label.FindAllStringSubmatch(target.Expr, -1) {
				for l := range strings.SplitSeq(by[1], ",") {
					if !have[strings.TrimSpace(l)] {
						t.Errorf("panel %s: no label %s in %s", p.Title, l, target.Expr)
					}
				}
			}
		}
	}
	if queries < 20 {
		t.Errorf("only %d queries", queries)
	}
}
