package metrics

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/meter"
	"clipfs/clip/quota"
)

// metric is one of ours: its name without the namespace, its help and labels, and its values in a snapshot.
type metric struct {
	kind       prometheus.ValueType
	name, help string
	labels     []string
	values     values
}

// send takes a value with those of its labels.
type send func(value float64, labels ...string)

type values func(s *snapshot, out send)

const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue

// table has a row for each metric that is no histogram.
func table() []metric {
	return slices.Concat(countedRows(), libraryRows(), quotaRows(), cacheRows(), sharedRows(), []metric{
		{gauge, "build_info", "What this binary was built from; always 1.", []string{"version", "commit", "goversion", "gofuse"}, func(s *snapshot, out send) {
			b := s.metrics.build
			out(1, b.Version, b.Commit, b.Go, b.GoFUSE)
		}},
		{gauge, "mount_up", "1 where the mount serves.", nil, func(s *snapshot, out send) { out(yes(s.metrics.mountHealth() == nil)) }},
		{gauge, "credentials_up", "1 unless the archive did not accept the credentials of the last call.", nil, func(s *snapshot, out send) {
			out(yes(s.metrics.credentialsHealth() == nil))
		}},
	})
}

func yes(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// countedRows are what is counted as it happens.
func countedRows() []metric {
	api := []string{"api"}
	return []metric{
		counts(callsName, "Calls of the archive's API that have ended, each with all its attempts.", "api", "result"),
		counts(retriesName, "Attempts of calls after each call's first.", api...),
		counts(throttlesName, "Attempts that the archive refused for an exceeded limit.", api...),
		counts(errorsName, "Operations on the mount that were answered with an error.", "operation", "errno"),
		counts(requestsName, "Requests over HTTP that were answered.", "method", "status"),
		{counter, "read_bytes_total", "Bytes of clips that users read, without what the kernel gave them from its page cache.", nil,
			func(s *snapshot, out send) { out(float64(s.metrics.readBytes.Load())) }},
		{counter, "passthrough_opens_total", "Files opened so that the kernel reads them by itself; no read of them is counted anywhere.", nil,
			func(s *snapshot, out send) { out(float64(s.metrics.passedOpens.Load())) }},
		{counter, "passthrough_opened_bytes_total", "Bytes that those files have, read or not.", nil,
			func(s *snapshot, out send) { out(float64(s.metrics.passedBytes.Load())) }},
	}
}

func counts(name, help string, labels ...string) metric {
	return metric{counter, name, help, labels, func(s *snapshot, out send) {
		for c, n := range s.counts {
			if c.name == name {
				out(n, []string{c.first, c.second}[:len(labels)]...)
			}
		}
	}}
}

// attached gives values once there are sources.
func attached(v func(*snapshot) float64) values {
	return func(s *snapshot, out send) {
		if s.sources.Alive != nil {
			out(v(s))
		}
	}
}

// libraryRows are what the library and the server count.
func libraryRows() []metric {
	library := func(v func(clip.Stats) int64) values {
		return attached(func(s *snapshot) float64 { return float64(v(s.library)) })
	}
	return []metric{
		{counter, "fetched_bytes_total", "Bytes of media that the archive has sent, which is what it bills; also those of calls that failed or were given up.", nil,
			library(func(l clip.Stats) int64 { return l.Fetched })},
		{counter, "fetched_images_total", "Images that the archive has sent, for stills.", nil, library(func(l clip.Stats) int64 { return l.Images })},
		{counter, "estimated_cost_total", "What the fetched bytes and images cost, by --price a gigabyte and --price-image an image.", nil,
			attached(func(s *snapshot) float64 { return s.metrics.price.cost(s.library.Fetched, s.library.Images) })},
		{gauge, "period_fetched_bytes", "Bytes of media that the archive has sent in the present hour, day and month (UTC), to all mounts that had this cache.",
			[]string{"period"}, func(s *snapshot, out send) {
				for period, sent := range s.periods() {
					out(float64(sent.bytes), period)
				}
			}},
		{gauge, "fetch_limit_bytes", "How many bytes may be fetched in the period (--fetch-limit), where there is a limit.", []string{"period"}, func(s *snapshot, out send) {
			if l := s.fetched.Limit; l.Bytes > 0 {
				out(float64(l.Bytes), l.Per.String())
			}
		}},
		{gauge, "fetch_limit_reached", "1 where the limit is reached, so that only the cache is read.", nil,
			attached(func(s *snapshot) float64 { return yes(!s.fetched.Resumes.IsZero()) })},
		{counter, "payloads_total", "Downloads of what one GetClip call brings, by whether they came whole.", []string{"result"}, func(s *snapshot, out send) {
			out(float64(s.library.Payloads), "whole")
			out(float64(s.library.Failed), "failed")
		}},
		{gauge, "downloads", "Downloads that run now.", nil, library(func(l clip.Stats) int64 { return l.Downloads })},
		{counter, "cache_hit_bytes_total", "Bytes of clips read that were there when they were asked for.", nil, library(func(l clip.Stats) int64 { return l.Cached })},
		{counter, "cache_miss_bytes_total", "Bytes of clips read that had to be waited for.", nil, library(func(l clip.Stats) int64 { return l.Waited })},
		{gauge, "open_handles", "Clips that are open now.", nil, library(func(l clip.Stats) int64 { return l.Handles })},
		{counter, "denied_opens_total", "Clips not opened because the program is on the list of --deny.", nil,
			attached(func(s *snapshot) float64 { return float64(s.denials.Denied) })},
		{counter, "unresolved_opens_total", "Clips opened by programs that could not be told, so that --deny did not apply.", nil,
			attached(func(s *snapshot) float64 { return float64(s.denials.Unresolved) })},
	}
}

// sent is what the archive has sent in a period.
type sent struct{ bytes, images int64 }

func (s *snapshot) periods() map[string]sent {
	f := s.fetched
	return map[string]sent{
		meter.PerHour.String(): {f.Hour, f.HourImages}, meter.PerDay.String(): {f.Day, f.DayImages},
		meter.PerMonth.String(): {f.Month, f.MonthImages},
	}
}

// quotaRows tell of quotas by the stream that has least left.
func quotaRows() []metric {
	row := func(name, help string, v func(quotaSummary) float64) metric {
		return metric{gauge, name, help, []string{"quota"}, func(s *snapshot, out send) {
			for _, q := range summarize(s.quotas) {
				out(v(q), q.least.Name)
			}
		}}
	}
	return []metric{
		row("quota_left_points", "Quota points a call could have at once, of the stream that has least.", func(q quotaSummary) float64 { return q.least.Left }),
		row("quota_limit_points", "Quota points that can be saved up.", func(q quotaSummary) float64 { return q.least.Burst }),
		row("quota_waiting_calls", "Calls that wait for quota points, of all streams.", func(q quotaSummary) float64 { return float64(q.waiting) }),
		row("quota_slowed_streams", "Streams whose calls are held back because the archive refused some for an exceeded limit.",
			func(q quotaSummary) float64 { return float64(q.slowed) }),
	}
}

// cacheRows tell of both caches.
func cacheRows() []metric {
	row := func(kind prometheus.ValueType, name, help string, v func(cache.Stats) int64) metric {
		return metric{kind, name, help, []string{"cache"}, func(s *snapshot, out send) {
			out(float64(v(s.heads)), "heads")
			out(float64(v(s.media)), "media")
		}}
	}
	return []metric{
		row(gauge, "cache_size_bytes", "What the cache takes of the disk.", func(c cache.Stats) int64 { return c.Bytes }),
		row(gauge, "cache_limit_bytes", "What the cache may take of the disk.", func(c cache.Stats) int64 { return c.MaxBytes }),
		row(gauge, "cache_entries", "Whole entries in the cache.", func(c cache.Stats) int64 { return int64(c.Whole) }),
		row(counter, "cache_evictions_total", "Entries removed to make space.", func(c cache.Stats) int64 { return int64(c.Evictions) }),
		row(counter, "cache_expired_total", "Entries removed because of their age.", func(c cache.Stats) int64 { return int64(c.Expired) }),
		{counter, "cache_lookups_total", "Entries asked of the cache, by whether they were there, being filled, or absent.", []string{"cache", "result"},
			func(s *snapshot, out send) {
				for which, c := range map[string]cache.Stats{"heads": s.heads, "media": s.media} {
					out(float64(c.Hits), which, "hit")
					out(float64(c.Shared), which, "shared")
					out(float64(c.Misses), which, "miss")
				}
			}},
		{gauge, "cache_memory_bytes", "Memory that footage takes for which the disk has no space.", nil,
			attached(func(s *snapshot) float64 { return float64(s.media.Memory) })},
		{gauge, "cache_memory_limit_bytes", "Memory that such footage may take.", nil, attached(func(s *snapshot) float64 { return float64(s.media.MaxMemory) })},
	}
}

// quotaSummary is one quota of all streams.
type quotaSummary struct {
	// least is that of the stream which has least left.
	least           quota.Left
	waiting, slowed int
}

// summarize gives one line a quota, in the order of their names.
func summarize(all []quota.Left) []quotaSummary {
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
