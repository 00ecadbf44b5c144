package simulate

import "time"

// Costs are what the simulation takes from outside: how clips are cut, how far the archive and the store are, and what was
// measured of real mounts. They are a file of JSON.
type Costs struct {
	// Note says when and where they were measured.
	Note string `json:"note"`

	// Parts is how many calls a clip of an hour takes, each of Fragments fragments and PartBytes bytes.
	Parts     int     `json:"parts"`
	Fragments int     `json:"fragments_per_part"`
	PartBytes float64 `json:"part_bytes"`
	// HeadBytes is what the archive has sent of a part when a call for its head is given up, HeadObject the object of a head.
	HeadBytes  float64 `json:"head_bytes"`
	HeadObject float64 `json:"head_object_bytes"`
	// ListPoints is what listing an hour costs, a thousand a page.
	ListPoints float64 `json:"list_points"`
	// ListLater are the points that listing takes of a host whose bucket another host has filled, and Confirm those that
	// confirm an hour before it is uploaded.
	ListLater float64 `json:"list_points_later"`
	Confirm   float64 `json:"confirm_points"`

	// Latencies are until an answer begins, bandwidths in bytes a second of one connection, StoreTotal of the whole store.
	ArchiveLatency   Seconds `json:"archive_latency"`
	ArchiveBandwidth float64 `json:"archive_bandwidth"`
	StoreLatency     Seconds `json:"store_latency"`
	StoreBandwidth   float64 `json:"store_bandwidth"`
	StoreTotal       float64 `json:"store_total"`
	// Uplink is how many bytes a second a host can upload.
	Uplink float64 `json:"uplink"`

	// Refetch, Yields, Duplicate, Contended, Upload, HeadCPU, ReadRate and Machine are measured; the comment of the package says what
	// they are.
	Refetch   float64 `json:"refetch"`
	Yields    float64 `json:"yields"`
	Duplicate float64 `json:"duplicate"`
	Contended float64 `json:"contended"`
	Upload    Seconds `json:"upload"`
	HeadCPU   Seconds `json:"head_cpu"`
	ReadRate  float64 `json:"read_rate"`
	Machine   float64 `json:"machine_rate"`
	// Start is what a host takes before its first call.
	Start Seconds `json:"start"`
}

// Seconds is a time in seconds, as all of the simulation counts it.
type Seconds float64

// In gives a duration in seconds.
func In(d time.Duration) Seconds { return Seconds(d.Seconds()) }

// Prices are what a gigabyte of 10⁹ bytes and a thousand requests cost.
type Prices struct {
	Archive  float64 `json:"archive_gb"`
	Storage  float64 `json:"storage_gb_month"`
	Gets     float64 `json:"gets_1000"`
	Puts     float64 `json:"puts_1000"`
	KeepDays float64 `json:"keep_days"`
}

// ListPrices are those of GetClip and of S3 Standard in us-east-1, without traffic, which is free within a region.
func ListPrices() Prices {
	return Prices{Archive: 0.0085, Storage: 0.023, Gets: 0.0004, Puts: 0.005, KeepDays: 7}
}

// Workload says which hosts read which hours, and when.
type Workload string

// The workloads.
const (
	// SameHour: all hosts read the same hour of one stream within a second.
	SameHour Workload = "same hour"
	// DifferentHours: all hosts read, each another hour of one stream, at once; and the next day each reads the hour of another.
	DifferentHours Workload = "different hours"
	// Zipf: each host reads eight hours in a day, at any time, of a hundred streams and 24 hours by Zipf's law (exponent 1.1).
	Zipf Workload = "zipf mix"
)

// Workloads gives all of them.
func Workloads() []Workload { return []Workload{SameHour, DifferentHours, Zipf} }

const (
	zipfStreams, zipfHours, zipfJobs = 100, 24, 8
	zipfExponent                     = 1.1
	day                              = 24 * 3600
)

// Run is what is simulated.
type Run struct {
	Workload Workload `json:"workload"`
	Hosts    int      `json:"hosts"`
	Tier     bool     `json:"tier"`
	// Warm says that the bucket has all before.
	Warm bool   `json:"warm,omitempty"`
	Seed uint64 `json:"seed"`
}

// Result is what a run took, real or simulated.
type Result struct {
	Run
	// ReadBytes is what programs read, and comes from the archive, the store or the host's own disk.
	ReadBytes   float64 `json:"read_bytes"`
	FromArchive float64 `json:"read_from_archive_bytes"`
	FromShared  float64 `json:"read_from_shared_bytes"`
	FromLocal   float64 `json:"read_from_local_bytes"`
	// ArchiveBytes is what the archive has sent and bills: FromArchive, and Wasted by calls for heads that were given up.
	ArchiveBytes float64 `json:"archive_bytes"`
	Wasted       float64 `json:"wasted_bytes"`
	Calls        float64 `json:"getclip_calls"`
	// MediaPoints and MetadataPoints are of quotas; PeakPoints is the most media points of one stream in a second.
	MediaPoints    float64 `json:"media_points"`
	MetadataPoints float64 `json:"metadata_points"`
	PeakPoints     float64 `json:"peak_media_points"`
	// OpenMedian and OpenLast are until a clip is open, of the job in the middle and the last; EndLast until all was read.
	OpenMedian Seconds `json:"open_median_seconds"`
	OpenLast   Seconds `json:"open_last_seconds"`
	EndLast    Seconds `json:"end_last_seconds"`
	// Gets and Puts are requests of the store, PeakRequests the most in a second; Written is what was uploaded.
	Gets         float64 `json:"gets"`
	Puts         float64 `json:"puts"`
	PeakRequests float64 `json:"peak_requests"`
	Written      float64 `json:"written_bytes"`
	// UploadLag is the longest time from a fetch to its object, in seconds.
	UploadLag Seconds `json:"upload_lag_seconds"`
}

// DaysOf is how many days of the workload a run is: a fleet that reads the same hour does so 24 times a day.
func (w Workload) DaysOf() float64 {
	switch w {
	case SameHour:
		return 1.0 / 24
	case DifferentHours:
		return 2
	default:
		return 1
	}
}

// Dollars is what a day costs.
func (r Result) Dollars(p Prices) (archive, requests, storage float64) {
	days := r.Workload.DaysOf()
	const gb = 1e9
	return r.ArchiveBytes / gb * p.Archive / days, (r.Gets*p.Gets + r.Puts*p.Puts) / 1000 / days,
		r.Written / gb / days * p.KeepDays * p.Storage / 30
}
