package metrics

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"clipfs/clip/kvs"
	"clipfs/fs"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// namespace begins the names of all our metrics.
const namespace = "clipfs"

// bytesPerGB is what a gigabyte is in the price: the service bills gigabytes of 10⁹ bytes or of 2³⁰, it does not say which,
// and the smaller one makes the estimate the higher one.
const bytesPerGB = 1e9

// Options are the settings of Metrics. The zero value works.
type Options struct {
	// Price is what a gigabyte of fetched media costs, in whatever currency; 0 where that is not to be estimated.
	Price float64
}

// Metrics counts what one mount does. It is safe for concurrent use.
type Metrics struct {
	price float64
	start time.Time
	build build

	// ours has the metrics of the mount, process those of Go and the process.
	ours, process *prometheus.Registry

	calls                *prometheus.CounterVec
	callTime             *prometheus.HistogramVec
	retries, throttles   *prometheus.CounterVec
	failures             *prometheus.CounterVec
	readBytes            prometheus.Counter
	readTime, firstBytes prometheus.Histogram

	// refusal is the credentials error with which the last call was answered that tells of credentials; nil if it was not.
	refusal atomic.Pointer[error]

	// mu guards sources.
	mu      sync.RWMutex
	sources Sources
}

var (
	_ kvs.Observer = (*Metrics)(nil)
	_ fs.Observer  = (*Metrics)(nil)
)

// apis gives the calls that are made, all of which are metrics from the start.
func apis() []string {
	return []string{"ListStreams", "DescribeStream", "GetDataEndpoint", "ListFragments", "GetClip"}
}

// New gives metrics of a mount of which nothing has happened.
func New(o Options) *Metrics {
	m := &Metrics{
		price: o.Price, start: time.Now(), build: readBuild(), ours: prometheus.NewPedanticRegistry(), process: prometheus.NewRegistry(),
		calls:     newCounter("api_calls_total", "Calls of the archive's API that have ended, each with all its attempts.", "api", "result"),
		retries:   newCounter("api_retries_total", "Attempts of calls after each call's first.", "api"),
		throttles: newCounter("api_throttles_total", "Attempts that the archive refused for an exceeded limit.", "api"),
		failures:  newCounter("operation_errors_total", "Operations on the mount that were answered with an error.", "operation", "errno"),
		readBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "read_bytes_total",
			Help: "Bytes of clips that users read, without what the kernel gave them from its page cache.",
		}),
		callTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "api_call_duration_seconds",
			Help:    "How long calls took until their answer began, with their waits for quota and between attempts.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"api"}),
		readTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "read_duration_seconds",
			Help:    "How long reads of clips took.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
		firstBytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "first_byte_duration_seconds",
			Help:    "How long users waited for the first bytes of a clip: in open and in the first read.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 180},
		}),
	}
	for _, api := range apis() {
		m.calls.WithLabelValues(api, resultOK)
		m.callTime.WithLabelValues(api)
		m.retries.WithLabelValues(api)
		m.throttles.WithLabelValues(api)
	}
	m.ours.MustRegister(m.calls, m.callTime, m.retries, m.throttles, m.failures, m.readBytes, m.readTime, m.firstBytes,
		m.build.metric(), newCollector(m))
	m.process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// newCounter gives a counter of ours.
func newCounter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

// Called implements kvs.Observer.
func (m *Metrics) Called(api string, _ int, took time.Duration, err error) {
	m.calls.WithLabelValues(api, result(err)).Inc()
	m.callTime.WithLabelValues(api).Observe(took.Seconds())
	m.learn(err)
}

// Retried implements kvs.Observer.
func (m *Metrics) Retried(api string) { m.retries.WithLabelValues(api).Inc() }

// Refused implements kvs.Observer.
func (m *Metrics) Refused(api string) { m.throttles.WithLabelValues(api).Inc() }

// FirstByte implements fs.Observer.
func (m *Metrics) FirstByte(took time.Duration) { m.firstBytes.Observe(took.Seconds()) }

// Read implements fs.Observer. It allocates nothing and takes no lock.
func (m *Metrics) Read(bytes int, took time.Duration) {
	m.readBytes.Add(float64(bytes))
	m.readTime.Observe(took.Seconds())
}

// Failed implements fs.Observer.
func (m *Metrics) Failed(operation string, errno syscall.Errno) {
	m.failures.WithLabelValues(operation, fs.ErrnoName(errno)).Inc()
}

// Gatherer gives all metrics: those of the mount, of Go and of the process.
func (m *Metrics) Gatherer() prometheus.Gatherer { return prometheus.Gatherers{m.ours, m.process} }
