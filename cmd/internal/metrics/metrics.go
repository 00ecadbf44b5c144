package metrics

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"clipfs/clip/kvs"
	"clipfs/cmd/internal/build"
	"clipfs/fs"
	"clipfs/fs/web"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

const namespace = "clipfs"

// bytesPerGB is what a gigabyte is in the price: the service bills gigabytes of 10⁹ bytes or of 2³⁰, it does not say which,
// and the smaller one makes the estimate the higher one.
const bytesPerGB = 1e9

// Options are the settings of Metrics. The zero value works.
type Options struct {
	// Price is what a gigabyte of fetched media costs, in whatever currency; 0 where that is not to be estimated.
	Price float64
	// PriceImage is what an image costs.
	PriceImage float64
	// Shared is what the shared cache costs.
	Shared SharedPrices
}

// Metrics counts what one mount does. It is safe for concurrent use.
type Metrics struct {
	price Options
	start time.Time
	build build.Info

	// ours has the metrics of the mount, process those of Go and the process.
	ours, process *prometheus.Registry

	readBytes atomic.Int64
	// passedOpens and passedBytes count files that the kernel reads by itself, and what they have.
	passedOpens, passedBytes atomic.Int64
	callTime                 *prometheus.HistogramVec
	readTime, firstBytes     prometheus.Histogram

	// refusal is the credentials error with which the last call was answered that tells of credentials; nil if it was not.
	refusal atomic.Pointer[error]

	// mu guards the rest.
	mu sync.RWMutex
	// counts are the calls and errors so far.
	counts  map[count]float64
	sources Sources
}

// count is a counter: the name of a metric and the values of its labels, the second of which may be empty.
type count struct{ name, first, second string }

// The metrics that are counted here.
const (
	callsName     = "api_calls_total"
	retriesName   = "api_retries_total"
	throttlesName = "api_throttles_total"
	errorsName    = "operation_errors_total"
	requestsName  = "http_requests_total"
)

var (
	_ kvs.Observer = (*Metrics)(nil)
	_ fs.Observer  = (*Metrics)(nil)
	_ web.Observer = (*Metrics)(nil)
)

// apis are the calls whose metrics are there from the start.
func apis() []string {
	return []string{"ListStreams", "DescribeStream", "GetDataEndpoint", "ListFragments", "GetClip", "GetImages"}
}

// New gives metrics that have counted nothing yet.
func New(o Options) *Metrics {
	m := &Metrics{
		price: o, start: time.Now(), build: build.Read(), ours: prometheus.NewPedanticRegistry(), process: prometheus.NewRegistry(),
		counts: make(map[count]float64),
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
		m.callTime.WithLabelValues(api)
		m.counts[count{callsName, api, resultOK}] = 0
		m.counts[count{retriesName, api, ""}] = 0
		m.counts[count{throttlesName, api, ""}] = 0
	}
	m.ours.MustRegister(m.callTime, m.readTime, m.firstBytes, newCollector(m))
	m.process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) add(name, first, second string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[count{name, first, second}]++
}

// Called counts a call of the archive's API that has ended.
func (m *Metrics) Called(api string, _ int, took time.Duration, err error) {
	m.add(callsName, api, result(err))
	m.callTime.WithLabelValues(api).Observe(took.Seconds())
	m.learn(err)
}

// Retried counts an attempt after a call's first.
func (m *Metrics) Retried(api string) { m.add(retriesName, api, "") }

// Refused counts an attempt that exceeded a limit.
func (m *Metrics) Refused(api string) { m.add(throttlesName, api, "") }

// FirstByte counts the wait for the first bytes of a clip.
func (m *Metrics) FirstByte(took time.Duration) { m.firstBytes.Observe(took.Seconds()) }

// Read counts a read. It allocates nothing and takes no lock.
func (m *Metrics) Read(bytes int, took time.Duration) {
	m.readBytes.Add(int64(bytes))
	m.readTime.Observe(took.Seconds())
}

// PassedThrough counts a file that the kernel reads by itself.
func (m *Metrics) PassedThrough(bytes int64) {
	m.passedOpens.Add(1)
	m.passedBytes.Add(bytes)
}

// Failed counts an operation that was answered with an error.
func (m *Metrics) Failed(operation string, errno syscall.Errno) {
	m.add(errorsName, operation, fs.ErrnoName(errno))
}

// Answered counts a request over HTTP, by its method, where that is one that is known, and the status.
func (m *Metrics) Answered(method string, status int) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, "PROPFIND":
	default:
		method = "other"
	}
	m.add(requestsName, method, strconv.Itoa(status))
}

// Gatherer gives all metrics: those of the mount, of Go and of the process.
func (m *Metrics) Gatherer() prometheus.Gatherer { return prometheus.Gatherers{m.ours, m.process} }
