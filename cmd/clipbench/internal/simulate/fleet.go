package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
)

const (
	mediaQuota, metadataQuota = 500, 10_000
	pagePoints                = 1000

	// headsAtOnce and mediaAtOnce are what a mount of 16 connections has under way.
	headsAtOnce, mediaAtOnce = 32, 16
	uploads                  = 2
	// linger is how long a call for a head is kept that nobody goes on with (cache.DefaultLinger).
	linger Seconds = 10
)

// clip is an hour of a stream.
type clip struct{ stream, hour int }

// piece is the head or the media of a part of a clip.
type piece struct {
	clip clip
	part int
	head bool
}

// object is what the store has or will have of a piece.
type object struct {
	// there says that it is uploaded, told that the leases say so.
	there, told bool
	// holder is the host that fetches it for all.
	holder *host
	// waiting are told when the leases say that it is there.
	waiting []func()
}

// fleet is a run under way.
type fleet struct {
	engine
	costs   Costs
	run     Run
	random  *rand.Rand
	media   map[int]*quota
	listing map[int]*quota
	objects map[piece]*object
	// listings are the hours whose listing the store has.
	listings map[clip]bool
	store    line
	machine  line
	peak     rate
	result   Result
	opens    []Seconds
}

// Simulate runs a fleet.
func Simulate(c Costs, r Run) Result {
	f := &fleet{
		costs: c, run: r, random: rand.New(rand.NewPCG(r.Seed, 1)), media: make(map[int]*quota), listing: make(map[int]*quota),
		objects: make(map[piece]*object), listings: make(map[clip]bool), store: line{rate: c.StoreTotal}, machine: line{rate: c.Machine}, result: Result{Run: r},
	}
	for i := range r.Hosts {
		f.begin(i)
	}
	f.engine.run()
	slices.Sort(f.opens)
	if n := len(f.opens); n > 0 {
		f.result.OpenMedian, f.result.OpenLast = f.opens[(n-1)/2], f.opens[n-1]
	}
	for _, q := range f.media {
		f.result.PeakPoints = max(f.result.PeakPoints, q.peak.most)
	}
	f.result.PeakRequests = f.peak.most
	return f.result
}

// begin has a host do its jobs.
func (f *fleet) begin(i int) {
	h := &host{fleet: f, has: make(map[piece]bool), listed: make(map[clip]bool), called: make(map[piece]Seconds), coming: make(map[piece]*coming)}
	h.leases = newLeases(h)
	jitter := Seconds(0)
	if f.run.Hosts > 1 {
		jitter = Seconds(f.random.Float64() / 2)
	}
	switch f.run.Workload {
	case SameHour:
		f.at(jitter, func() { h.job(clip{}) })
	case DifferentHours:
		f.at(jitter, func() { h.job(clip{hour: i}) })
		f.at(day+jitter, func() { h.job(clip{hour: (i + 1) % f.run.Hosts}) })
	case Zipf:
		for range zipfJobs {
			what := clip{stream: f.rank(zipfStreams), hour: f.rank(zipfHours)}
			f.at(Seconds(f.random.Float64()*day), func() { h.job(what) })
		}
	}
}

// rank gives one of n by Zipf's law.
func (f *fleet) rank(n int) int {
	sum := 0.0
	for k := range n {
		sum += math.Pow(float64(k+1), -zipfExponent)
	}
	x := f.random.Float64() * sum
	for k := range n {
		if x -= math.Pow(float64(k+1), -zipfExponent); x < 0 {
			return k
		}
	}
	return n - 1
}

// points takes points of a stream's quota for media.
func (f *fleet) points(stream int) Seconds {
	q := f.media[stream]
	if q == nil {
		q = newQuota(mediaQuota)
		if f.run.Hosts > 1 && !f.run.Tier && f.costs.Contended > 0 {
			q.rate *= f.costs.Contended
		}
		f.media[stream] = q
	}
	f.result.Calls++
	f.result.MediaPoints += float64(f.costs.Fragments)
	return q.take(f.now, float64(f.costs.Fragments))
}

// list takes so many points of a stream's listings: its pages one by one.
func (f *fleet) list(stream int, points float64, then func()) {
	q := f.listing[stream]
	if q == nil {
		q = newQuota(metadataQuota)
		f.listing[stream] = q
	}
	f.result.MetadataPoints += points
	pages := Seconds(math.Ceil(points / pagePoints))
	f.at(q.take(f.now, points)+pages*f.costs.ArchiveLatency, then)
}

// get counts requests that read, put those that write.
func (f *fleet) get(n float64) {
	f.result.Gets += n
	f.peak.add(f.now, n)
}

func (f *fleet) put(n float64) {
	f.result.Puts += n
	f.peak.add(f.now, n)
}

// object gives what the store knows of a piece.
func (f *fleet) object(p piece) *object {
	o := f.objects[p]
	if o == nil {
		o = &object{there: f.run.Warm}
		f.objects[p] = o
	}
	return o
}

// come gives when a body of the store has come.
func (f *fleet) come(bytes float64) Seconds {
	return f.store.pass(f.now+f.costs.StoreLatency, bytes, Seconds(bytes/f.costs.StoreBandwidth))
}
