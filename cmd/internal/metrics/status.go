package metrics

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"clipfs/clip"
	"clipfs/clip/kvs"

	dto "github.com/prometheus/client_model/go"
)

// maxBusy is how many streams the status names that have least of their quotas left.
const maxBusy = 10

// Status is what a mount does, in short. All of its numbers but those of streams are of the metrics.
type Status struct {
	Version       string    `json:"version"`
	Commit        string    `json:"commit"`
	Mountpoint    string    `json:"mountpoint"`
	Started       time.Time `json:"started"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Healthy       bool      `json:"healthy"`
	// Problem is what GET /healthz answers; empty where all is well.
	Problem string `json:"problem,omitempty"`

	// Region and Profile are those of AWS, Settings the flags that the mount was given, by name, and its cache directory.
	// There is no secret in them: other commands take them from here.
	Region   string              `json:"region,omitempty"`
	Profile  string              `json:"profile,omitempty"`
	Settings map[string][]string `json:"settings"`

	// Calls counts by API and result, Retries and Throttles by API.
	Calls     map[string]map[string]float64 `json:"calls"`
	Retries   map[string]float64            `json:"retries"`
	Throttles map[string]float64            `json:"throttles"`
	Quotas    []StatusQuota                 `json:"quotas"`

	FetchedBytes  float64 `json:"fetched_bytes"`
	EstimatedCost float64 `json:"estimated_cost"`
	PricePerGB    float64 `json:"price_per_gb"`
	Downloads     float64 `json:"downloads"`
	// Periods is what was fetched in the present hour, day and month, to all mounts that had this cache.
	Periods map[string]StatusPeriod `json:"periods"`
	// FetchLimit is the limit, if there is one; Resumes is when fetching goes on, where it is reached.
	FetchLimit string     `json:"fetch_limit,omitempty"`
	Resumes    *time.Time `json:"fetching_resumes,omitempty"`

	OpenHandles     float64                       `json:"open_handles"`
	ReadBytes       float64                       `json:"read_bytes"`
	FirstByte       StatusTimes                   `json:"first_byte_seconds"`
	Read            StatusTimes                   `json:"read_seconds"`
	Errors          map[string]map[string]float64 `json:"errors"`
	DeniedOpens     float64                       `json:"denied_opens"`
	UnresolvedOpens float64                       `json:"unresolved_opens"`

	Cache StatusCache `json:"cache"`
}

// StatusPeriod is what was fetched in a period.
type StatusPeriod struct {
	FetchedBytes  float64 `json:"fetched_bytes"`
	EstimatedCost float64 `json:"estimated_cost"`
}

// StatusCache is both caches.
type StatusCache struct {
	HitBytes  float64            `json:"hit_bytes"`
	MissBytes float64            `json:"miss_bytes"`
	Media     map[string]float64 `json:"media"`
	Heads     map[string]float64 `json:"heads"`
	Memory    map[string]float64 `json:"memory"`
}

// StatusTimes is a histogram in short.
type StatusTimes struct {
	Count uint64  `json:"count"`
	Mean  float64 `json:"mean"`
	// P50 and P95 are estimates, from the histogram's buckets.
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
}

// StatusQuota is a quota of one of the streams that have least left of it.
type StatusQuota struct {
	Stream    string  `json:"stream,omitempty"`
	Quota     string  `json:"quota"`
	Left      float64 `json:"left"`
	Limit     float64 `json:"limit"`
	PerSecond float64 `json:"per_second"`
	Waiting   int     `json:"waiting"`
}

// StatusText gives the status as JSON.
func (m *Metrics) StatusText() ([]byte, error) {
	s, err := m.Status()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	return append(text, '\n'), nil
}

// Status gives the status.
func (m *Metrics) Status() (*Status, error) {
	all, err := m.ours.Gather()
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	f := families(all)
	m.mu.RLock()
	sources := m.sources
	m.mu.RUnlock()
	s := &Status{
		Version: m.build.version, Commit: m.build.commit, Mountpoint: sources.Mountpoint, Started: m.start.UTC().Truncate(time.Millisecond),
		UptimeSeconds: time.Since(m.start).Round(time.Millisecond).Seconds(),
		Region:        sources.Region, Profile: sources.Profile, Settings: sources.Settings,
		Calls: f.by2("api_calls_total", "api", "result"), Retries: f.by("api_retries_total", "api"), Throttles: f.by("api_throttles_total", "api"),
		Quotas:       []StatusQuota{},
		FetchedBytes: f.value("fetched_bytes_total"), EstimatedCost: f.value("estimated_cost_total"), PricePerGB: m.price,
		Downloads: f.value("downloads"), OpenHandles: f.value("open_handles"), ReadBytes: f.value("read_bytes_total"),
		FirstByte: f.times("first_byte_duration_seconds"), Read: f.times("read_duration_seconds"),
		Errors:      f.by2("operation_errors_total", "operation", "errno"),
		DeniedOpens: f.value("denied_opens_total"), UnresolvedOpens: f.value("unresolved_opens_total"),
		Cache: StatusCache{
			HitBytes: f.value("cache_hit_bytes_total"), MissBytes: f.value("cache_miss_bytes_total"),
			Media: f.cache("media"), Heads: f.cache("heads"),
			Memory: map[string]float64{"size_bytes": f.value("cache_memory_bytes"), "limit_bytes": f.value("cache_memory_limit_bytes")},
		},
	}
	if err := m.Health(); err != nil {
		s.Problem = problem(err)
	}
	s.Healthy = s.Problem == ""
	s.Periods = make(map[string]StatusPeriod)
	for period, bytes := range f.by("period_fetched_bytes", "period") {
		s.Periods[period] = StatusPeriod{bytes, cost(bytes, m.price)}
	}
	if sources.Fetched != nil {
		s.limit(sources.Fetched())
	}
	if sources.Quotas != nil {
		s.Quotas = busiest(sources.Quotas())
	}
	return s, nil
}

// limit tells of the limit.
func (s *Status) limit(f clip.Fetched) {
	if f.Limit.Bytes > 0 {
		s.FetchLimit = f.Limit.String()
	}
	if !f.Resumes.IsZero() {
		s.Resumes = &f.Resumes
	}
}

// busiest gives the quotas of which least is left, in shares of what they hold, without those that are full.
func busiest(all []kvs.Quota) []StatusQuota {
	all = slices.DeleteFunc(all, func(q kvs.Quota) bool { return q.Left >= q.Burst && q.Waiting == 0 && q.Rate >= q.Limit })
	slices.SortFunc(all, func(a, b kvs.Quota) int {
		return cmp.Or(cmp.Compare(a.Left/a.Burst, b.Left/b.Burst), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Name, b.Name))
	})
	out := []StatusQuota{}
	for _, q := range all[:min(len(all), maxBusy)] {
		out = append(out, StatusQuota{string(q.Stream), q.Name, tenths(q.Left), q.Burst, tenths(q.Rate), q.Waiting})
	}
	return out
}

// tenths rounds to a tenth.
func tenths(n float64) float64 { return math.Round(n*10) / 10 }

// families is what a registry gathered.
type families []*dto.MetricFamily

// of gives the metrics of one of our names.
func (f families) of(name string) []*dto.Metric {
	for _, family := range f {
		if family.GetName() == namespace+"_"+name {
			return family.GetMetric()
		}
	}
	return nil
}

// number gives the value of a counter or gauge.
func number(m *dto.Metric) float64 { return m.GetCounter().GetValue() + m.GetGauge().GetValue() }

// label gives the value of a label.
func label(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

// value gives the sum over all labels.
func (f families) value(name string) (sum float64) {
	for _, m := range f.of(name) {
		sum += number(m)
	}
	return sum
}

// by gives the values by a label.
func (f families) by(name, by string) map[string]float64 {
	out := make(map[string]float64)
	for _, m := range f.of(name) {
		out[label(m, by)] += number(m)
	}
	return out
}

// by2 gives the values by two labels; what is 0 is left out.
func (f families) by2(name, first, second string) map[string]map[string]float64 {
	out := make(map[string]map[string]float64)
	for _, m := range f.of(name) {
		if number(m) == 0 {
			continue
		}
		a := label(m, first)
		if out[a] == nil {
			out[a] = make(map[string]float64)
		}
		out[a][label(m, second)] = number(m)
	}
	return out
}

// cache gives what is told of one of the caches.
func (f families) cache(which string) map[string]float64 {
	out := make(map[string]float64)
	for _, name := range []string{"size_bytes", "limit_bytes", "entries", "evictions_total", "expired_total"} {
		out[name] = f.by("cache_"+name, "cache")[which]
	}
	return out
}

// times gives a histogram in short.
func (f families) times(name string) StatusTimes {
	all := f.of(name)
	if len(all) == 0 || all[0].GetHistogram().GetSampleCount() == 0 {
		return StatusTimes{}
	}
	h := all[0].GetHistogram()
	return StatusTimes{
		Count: h.GetSampleCount(), Mean: h.GetSampleSum() / float64(h.GetSampleCount()), P50: quantile(h, 0.5), P95: quantile(h, 0.95),
	}
}

// quantile estimates a quantile as Prometheus' histogram_quantile does: evenly spread within a bucket, and the largest
// bound for what lies beyond it.
func quantile(h *dto.Histogram, q float64) float64 {
	rank := q * float64(h.GetSampleCount())
	lower, before := 0.0, 0.0
	for _, b := range h.GetBucket() {
		upper, count := b.GetUpperBound(), float64(b.GetCumulativeCount())
		if count >= rank && count > before {
			return lower + (upper-lower)*(rank-before)/(count-before)
		}
		lower, before = upper, count
	}
	return lower
}
