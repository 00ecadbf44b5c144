package metrics

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"clipfs/cache"
	"clipfs/clip/meter"
	"clipfs/clip/quota"
	"clipfs/cmd/internal/logs"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// maxBusy is how many streams the status names that have least of their quotas left.
const maxBusy = 10

// Status is what a mount does, in short. Its numbers are those of the metrics.
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
	FetchedImages float64 `json:"fetched_images"`
	EstimatedCost float64 `json:"estimated_cost"`
	PricePerGB    float64 `json:"price_per_gb"`
	PricePerImage float64 `json:"price_per_image"`
	Downloads     float64 `json:"downloads"`
	// Periods is what was fetched in the present hour, day and month, to all mounts that had this cache.
	Periods map[string]StatusPeriod `json:"periods"`
	// FetchLimit is the limit, if there is one; Resumes is when fetching goes on, where it is reached.
	FetchLimit string     `json:"fetch_limit,omitempty"`
	Resumes    *time.Time `json:"fetching_resumes,omitempty"`

	OpenHandles float64 `json:"open_handles"`
	ReadBytes   float64 `json:"read_bytes"`
	// LocalBytes of these came neither from the archive nor from the shared cache.
	LocalBytes      float64                       `json:"read_local_bytes"`
	FirstByte       StatusTimes                   `json:"first_byte_seconds"`
	Read            StatusTimes                   `json:"read_seconds"`
	Errors          map[string]map[string]float64 `json:"errors"`
	DeniedOpens     float64                       `json:"denied_opens"`
	UnresolvedOpens float64                       `json:"unresolved_opens"`

	// Passthrough is what the kernel reads by itself, if there is a mount.
	Passthrough *StatusPassthrough `json:"passthrough,omitempty"`

	Cache StatusCache `json:"cache"`
	// Shared is the shared cache, if there is one.
	Shared *StatusShared `json:"shared,omitempty"`
}

// StatusPassthrough is what the kernel reads by itself: ReadBytes and Read know nothing of it, nor do the cache's hits.
type StatusPassthrough struct {
	On bool `json:"on"`
	// Cause says why nothing is passed through; empty where it is.
	Cause       string  `json:"cause,omitempty"`
	Opens       float64 `json:"opens"`
	OpenedBytes float64 `json:"opened_bytes"`
}

// StatusShared is the shared cache.
type StatusShared struct {
	Up bool `json:"up"`
	// Problem says why it is left alone; empty where it answers.
	Problem string `json:"problem,omitempty"`
	// Writable says that it takes uploads, WriteProblem why it does not; empty where it does.
	Writable     bool               `json:"writable"`
	WriteProblem string             `json:"write_problem,omitempty"`
	ReadBytes    float64            `json:"read_bytes"`
	Looks        map[string]float64 `json:"looks"`
	Offers       map[string]float64 `json:"offers"`
	// Requests are those that read and write, Costs what these and storage cost by the prices that were given.
	Requests     map[string]float64 `json:"requests"`
	Costs        map[string]float64 `json:"estimated_costs"`
	WrittenBytes float64            `json:"written_bytes"`
	WaitingBytes float64            `json:"waiting_bytes"`
}

// StatusPeriod is what was fetched in a period.
type StatusPeriod struct {
	FetchedBytes  float64 `json:"fetched_bytes"`
	FetchedImages float64 `json:"fetched_images"`
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
	text, err := json.MarshalIndent(m.Status(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	return append(text, '\n'), nil
}

// Status gives the status.
func (m *Metrics) Status() *Status {
	n := m.snapshot()
	s := &Status{
		Version: m.build.Version, Commit: m.build.Commit, Mountpoint: n.sources.Mountpoint, Started: m.start.UTC().Truncate(time.Millisecond),
		UptimeSeconds: time.Since(m.start).Round(time.Millisecond).Seconds(),
		Region:        n.sources.Region, Profile: n.sources.Profile, Settings: n.sources.Settings,
		Calls: n.by2(callsName), Retries: n.by(retriesName), Throttles: n.by(throttlesName), Quotas: busiest(n.quotas),
		FetchedBytes: float64(n.library.Fetched), FetchedImages: float64(n.library.Images),
		EstimatedCost: m.price.cost(n.library.Fetched, n.library.Images), PricePerGB: m.price.Price, PricePerImage: m.price.PriceImage,
		Downloads: float64(n.library.Downloads), OpenHandles: float64(n.library.Handles), ReadBytes: float64(m.readBytes.Load()), LocalBytes: n.local(),
		FirstByte: times(m.firstBytes), Read: times(m.readTime), Errors: n.by2(errorsName),
		DeniedOpens: float64(n.denials.Denied), UnresolvedOpens: float64(n.denials.Unresolved),
		Cache: StatusCache{
			HitBytes: float64(n.library.Cached), MissBytes: float64(n.library.Waited), Media: ofCache(n.media), Heads: ofCache(n.heads),
			Memory: map[string]float64{"size_bytes": float64(n.media.Memory), "limit_bytes": float64(n.media.MaxMemory)},
		},
		Periods: make(map[string]StatusPeriod),
	}
	if err := m.Health(); err != nil {
		s.Problem = logs.OneLine(err)
	}
	s.Healthy = s.Problem == ""
	for period, sent := range n.periods() {
		s.Periods[period] = StatusPeriod{float64(sent.bytes), float64(sent.images), m.price.cost(sent.bytes, sent.images)}
	}
	if n.sources.Passthrough != nil {
		s.Passthrough = &StatusPassthrough{Opens: float64(m.passedOpens.Load()), OpenedBytes: float64(m.passedBytes.Load())}
		cause := n.sources.Passthrough()
		if s.Passthrough.On = cause == nil; cause != nil {
			s.Passthrough.Cause = logs.OneLine(cause)
		}
	}
	s.limit(n.fetched)
	if n.sources.Shared != nil {
		s.Shared = n.statusShared()
	}
	return s
}

func (s *Status) limit(f meter.Fetched) {
	if f.Limit.Bytes > 0 {
		s.FetchLimit = f.Limit.String()
	}
	if !f.Resumes.IsZero() {
		s.Resumes = &f.Resumes
	}
}

// busiest gives the quotas with the smallest share left, without those that are full.
func busiest(all []quota.Left) []StatusQuota {
	all = slices.DeleteFunc(all, func(q quota.Left) bool { return q.Left >= q.Burst && q.Waiting == 0 && q.Rate >= q.Limit })
	slices.SortFunc(all, func(a, b quota.Left) int {
		return cmp.Or(cmp.Compare(a.Left/a.Burst, b.Left/b.Burst), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Name, b.Name))
	})
	out := []StatusQuota{}
	for _, q := range all[:min(len(all), maxBusy)] {
		out = append(out, StatusQuota{string(q.Stream), q.Name, tenths(q.Left), q.Burst, tenths(q.Rate), q.Waiting})
	}
	return out
}

func tenths(n float64) float64 { return math.Round(n*10) / 10 }

// by gives the counts of a metric by its label.
func (n *snapshot) by(name string) map[string]float64 {
	out := make(map[string]float64)
	for c, value := range n.counts {
		if c.name == name {
			out[c.first] = value
		}
	}
	return out
}

// by2 gives the counts of a metric by both of its labels; what is 0 is left out.
func (n *snapshot) by2(name string) map[string]map[string]float64 {
	out := make(map[string]map[string]float64)
	for c, value := range n.counts {
		if c.name != name || value == 0 {
			continue
		}
		if out[c.first] == nil {
			out[c.first] = make(map[string]float64)
		}
		out[c.first][c.second] = value
	}
	return out
}

func ofCache(c cache.Stats) map[string]float64 {
	return map[string]float64{"size_bytes": float64(c.Bytes), "limit_bytes": float64(c.MaxBytes), "entries": float64(c.Whole),
		"evictions_total": float64(c.Evictions), "expired_total": float64(c.Expired)}
}

func times(histogram prometheus.Histogram) StatusTimes {
	var all dto.Metric
	if err := histogram.Write(&all); err != nil || all.GetHistogram().GetSampleCount() == 0 {
		return StatusTimes{}
	}
	h := all.GetHistogram()
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
