package metrics

import (
	"cmp"
	"slices"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/kvs"
	"clipfs/fs"

	"github.com/prometheus/client_golang/prometheus"
)

// Sources are asked when somebody looks. Those that are nil have nothing to say.
type Sources struct {
	Mountpoint string
	// Region and Profile are those of AWS, Settings the flags that the mount was given, by name, without secrets.
	Region, Profile string
	Settings        map[string][]string
	// Alive says why the mount is dead; see fs.Server.Alive.
	Alive   func() error
	Library func() clip.Stats
	// Fetched is what was fetched in the present hour, day and month, over all mounts of the cache directory.
	Fetched func() clip.Fetched
	Quotas  func() []kvs.Quota
	Denials func() fs.Denials
	// Media and Heads are the caches.
	Media, Heads func() cache.Stats
}

// Attach gives the sources, once there are any.
func (m *Metrics) Attach(s Sources) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = s
}

// collector gives the metrics that are counted elsewhere.
type collector struct {
	metrics *Metrics
	descs   map[string]*prometheus.Desc
}

var _ prometheus.Collector = (*collector)(nil)

// newCollector gives one for the sources of m.
func newCollector(m *Metrics) *collector {
	c := &collector{metrics: m, descs: make(map[string]*prometheus.Desc)}
	for _, d := range described() {
		c.descs[d.name] = prometheus.NewDesc(prometheus.BuildFQName(namespace, "", d.name), d.help, d.labels, nil)
	}
	return c
}

// description is the name of a metric, what it says, and its labels.
type description struct {
	name, help string
	labels     []string
}

// described gives the metrics of the collector.
func described() []description {
	quota, which := []string{"quota"}, []string{"cache"}
	return []description{
		{"fetched_bytes_total", "Bytes of media that the archive has sent, which is what it bills; also those of calls that failed or were given up.", nil},
		{"estimated_cost_total", "What the fetched bytes cost, by --price a gigabyte.", nil},
		{"period_fetched_bytes", "Bytes of media that the archive has sent in the present hour, day and month (UTC), to all mounts that had this cache.", []string{"period"}},
		{"fetch_limit_bytes", "How many bytes may be fetched in the period (--fetch-limit), where there is a limit.", []string{"period"}},
		{"fetch_limit_reached", "1 where the limit is reached, so that only the cache is read.", nil},
		{"payloads_total", "Downloads of what one GetClip call brings, by whether they came whole.", []string{"result"}},
		{"downloads", "Downloads that run now.", nil},
		{"cache_hit_bytes_total", "Bytes of clips read that were there when they were asked for.", nil},
		{"cache_miss_bytes_total", "Bytes of clips read that had to be waited for.", nil},
		{"open_handles", "Clips that are open now.", nil},
		{"denied_opens_total", "Clips not opened because the program is on the list of --deny.", nil},
		{"unresolved_opens_total", "Clips opened by programs that could not be told, so that --deny did not apply.", nil},
		{"quota_left_points", "Quota points a call could have at once, of the stream that has least.", quota},
		{"quota_limit_points", "Quota points that can be saved up.", quota},
		{"quota_waiting_calls", "Calls that wait for quota points, of all streams.", quota},
		{"quota_slowed_streams", "Streams whose calls are held back because the archive refused some for an exceeded limit.", quota},
		{"cache_size_bytes", "What the cache takes of the disk.", which},
		{"cache_limit_bytes", "What the cache may take of the disk.", which},
		{"cache_entries", "Whole entries in the cache.", which},
		{"cache_evictions_total", "Entries removed to make space.", which},
		{"cache_expired_total", "Entries removed because of their age.", which},
		{"cache_lookups_total", "Entries asked of the cache, by whether they were there, being filled, or absent.", []string{"cache", "result"}},
		{"cache_memory_bytes", "Memory that footage takes for which the disk has no space.", nil},
		{"cache_memory_limit_bytes", "Memory that such footage may take.", nil},
		{"mount_up", "1 where the mount serves.", nil},
		{"credentials_up", "1 unless the archive did not accept the credentials of the last call.", nil},
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	send := func(kind prometheus.ValueType, name string, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(c.descs[name], kind, value, labels...)
	}
	m := c.metrics
	send(prometheus.GaugeValue, "mount_up", up(m.mountHealth()))
	send(prometheus.GaugeValue, "credentials_up", up(m.credentialsHealth()))
	m.mu.RLock()
	s := m.sources
	m.mu.RUnlock()
	if s.Library != nil {
		sendLibrary(send, s.Library(), m.price)
	}
	if s.Fetched != nil {
		sendFetched(send, s.Fetched())
	}
	if s.Quotas != nil {
		for _, q := range summarize(s.Quotas()) {
			send(prometheus.GaugeValue, "quota_left_points", q.least.Left, q.least.Name)
			send(prometheus.GaugeValue, "quota_limit_points", q.least.Burst, q.least.Name)
			send(prometheus.GaugeValue, "quota_waiting_calls", float64(q.waiting), q.least.Name)
			send(prometheus.GaugeValue, "quota_slowed_streams", float64(q.slowed), q.least.Name)
		}
	}
	if s.Denials != nil {
		d := s.Denials()
		send(prometheus.CounterValue, "denied_opens_total", float64(d.Denied))
		send(prometheus.CounterValue, "unresolved_opens_total", float64(d.Unresolved))
	}
	if s.Heads != nil {
		sendCache(send, s.Heads(), "heads")
	}
	if s.Media != nil {
		media := s.Media()
		sendCache(send, media, "media")
		send(prometheus.GaugeValue, "cache_memory_bytes", float64(media.Memory))
		send(prometheus.GaugeValue, "cache_memory_limit_bytes", float64(media.MaxMemory))
	}
}

// cost gives what bytes cost at a price a gigabyte.
func cost(bytes, price float64) float64 { return bytes / bytesPerGB * price }

// up gives the value of a metric that says whether something works.
func up(err error) float64 {
	if err != nil {
		return 0
	}
	return 1
}

// sender takes one metric.
type sender func(kind prometheus.ValueType, name string, value float64, labels ...string)

// sendLibrary tells of the library.
func sendLibrary(send sender, s clip.Stats, price float64) {
	send(prometheus.CounterValue, "fetched_bytes_total", float64(s.Fetched))
	send(prometheus.CounterValue, "estimated_cost_total", cost(float64(s.Fetched), price))
	send(prometheus.CounterValue, "payloads_total", float64(s.Payloads), "whole")
	send(prometheus.CounterValue, "payloads_total", float64(s.Failed), "failed")
	send(prometheus.GaugeValue, "downloads", float64(s.Downloads))
	send(prometheus.CounterValue, "cache_hit_bytes_total", float64(s.Cached))
	send(prometheus.CounterValue, "cache_miss_bytes_total", float64(s.Waited))
	send(prometheus.GaugeValue, "open_handles", float64(s.Handles))
}

// sendFetched tells of the limit.
func sendFetched(send sender, f clip.Fetched) {
	send(prometheus.GaugeValue, "period_fetched_bytes", float64(f.Hour), clip.PerHour.String())
	send(prometheus.GaugeValue, "period_fetched_bytes", float64(f.Day), clip.PerDay.String())
	send(prometheus.GaugeValue, "period_fetched_bytes", float64(f.Month), clip.PerMonth.String())
	reached := 0.0
	if !f.Resumes.IsZero() {
		reached = 1
	}
	send(prometheus.GaugeValue, "fetch_limit_reached", reached)
	if f.Limit.Bytes > 0 {
		send(prometheus.GaugeValue, "fetch_limit_bytes", float64(f.Limit.Bytes), f.Limit.Per.String())
	}
}

// sendCache tells of a cache.
func sendCache(send sender, s cache.Stats, which string) {
	send(prometheus.GaugeValue, "cache_size_bytes", float64(s.Bytes), which)
	send(prometheus.GaugeValue, "cache_limit_bytes", float64(s.MaxBytes), which)
	send(prometheus.GaugeValue, "cache_entries", float64(s.Whole), which)
	send(prometheus.CounterValue, "cache_evictions_total", float64(s.Evictions), which)
	send(prometheus.CounterValue, "cache_expired_total", float64(s.Expired), which)
	send(prometheus.CounterValue, "cache_lookups_total", float64(s.Hits), which, "hit")
	send(prometheus.CounterValue, "cache_lookups_total", float64(s.Shared), which, "shared")
	send(prometheus.CounterValue, "cache_lookups_total", float64(s.Misses), which, "miss")
}

// quotaSummary is one quota of all streams.
type quotaSummary struct {
	// least is that of the stream which has least left.
	least           kvs.Quota
	waiting, slowed int
}

// summarize gives one line a quota, in the order of their names.
func summarize(all []kvs.Quota) []quotaSummary {
	by := make(map[string]*quotaSummary)
	for _, q := range all {
		s := by[q.Name]
		if s == nil {
			s = &quotaSummary{least: q}
			by[q.Name] = s
		}
		if q.Left < s.least.Left {
			s.least = q
		}
		s.waiting += q.Waiting
		if q.Rate < q.Limit {
			s.slowed++
		}
	}
	out := make([]quotaSummary, 0, len(by))
	for _, s := range by {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b quotaSummary) int { return cmp.Compare(a.least.Name, b.least.Name) })
	return out
}
