package metrics

import (
	"maps"

	"github.com/prometheus/client_golang/prometheus"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/meter"
	"clipfs/clip/quota"
	"clipfs/clip/shared"
	"clipfs/fs"
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
	Fetched func() meter.Fetched
	Quotas  func() []quota.Left
	Denials func() fs.Denials
	// Passthrough says why nothing is passed through; see fs.Server.Passthrough.
	Passthrough func() error
	// Media and Heads are the caches.
	Media, Heads func() cache.Stats
	// Shared is the shared cache.
	Shared func() shared.Stats
	// SharedRequests are those to the store of the shared cache.
	SharedRequests func() Requests
}

// Attach sets the sources.
func (m *Metrics) Attach(s Sources) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = s
}

// snapshot is what metrics and the status are made of: what the sources and the counts say at one time.
type snapshot struct {
	metrics      *Metrics
	sources      Sources
	counts       map[count]float64
	library      clip.Stats
	fetched      meter.Fetched
	quotas       []quota.Left
	denials      fs.Denials
	media, heads cache.Stats
	shared       shared.Stats
	requests     Requests
}

func (m *Metrics) snapshot() *snapshot {
	m.mu.RLock()
	s := &snapshot{metrics: m, sources: m.sources, counts: maps.Clone(m.counts)}
	m.mu.RUnlock()
	s.library, s.fetched, s.quotas = ask(s.sources.Library), ask(s.sources.Fetched), ask(s.sources.Quotas)
	s.shared, s.requests = ask(s.sources.Shared), ask(s.sources.SharedRequests)
	s.denials, s.media, s.heads = ask(s.sources.Denials), ask(s.sources.Media), ask(s.sources.Heads)
	return s
}

// ask gives nothing where there is no source.
func ask[T any](source func() T) (none T) {
	if source == nil {
		return none
	}
	return source()
}

// collector gives the metrics that a snapshot has.
type collector struct {
	metrics *Metrics
	all     []metric
	descs   []*prometheus.Desc
}

func newCollector(m *Metrics) *collector {
	c := &collector{metrics: m, all: table()}
	for _, d := range c.all {
		c.descs = append(c.descs, prometheus.NewDesc(prometheus.BuildFQName(namespace, "", d.name), d.help, d.labels, nil))
	}
	return c
}

func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.metrics.snapshot()
	for i, d := range c.all {
		d.values(s, func(value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(c.descs[i], d.kind, value, labels...)
		})
	}
}

// cost is what so many bytes and images cost.
func (o Options) cost(bytes, images int64) float64 {
	return float64(bytes)/bytesPerGB*o.Price + float64(images)*o.PriceImage
}
