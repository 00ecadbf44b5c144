package metrics

import (
	"time"

	"clipfs/clip/shared"
	"clipfs/cmd/internal/logs"
)

// month is for how long the price of storage is.
const month = 30 * 24 * time.Hour

// SharedPrices are what a shared cache costs, in the currency of the others: a thousand requests that read, a thousand that write,
// and a gigabyte that is kept for a month. Keep is how long it keeps what is written to it.
type SharedPrices struct {
	Reads, Writes, Storage float64
	Keep                   time.Duration
}

// Requests are those to the store of a shared cache, as its price list tells them apart.
type Requests struct{ Reads, Writes int64 }

// costs gives what requests and what was written cost, by what for.
func (p SharedPrices) costs(r Requests, written int64) map[string]float64 {
	return map[string]float64{
		"reads": float64(r.Reads) / 1000 * p.Reads, "writes": float64(r.Writes) / 1000 * p.Writes,
		"storage": float64(written) / bytesPerGB * p.Storage * p.Keep.Hours() / month.Hours(),
	}
}

// local gives how many of the bytes that users read came from this machine's disk: those that neither the archive nor the shared cache
// sent, as far as that can be told of sums. What was fetched and not read yet is in them with the opposite sign.
func (n *snapshot) local() float64 {
	return max(0, float64(n.metrics.readBytes.Load()-n.library.Fetched-n.library.Shared))
}

// sharedRows tell of the shared cache, where there is one.
func sharedRows() []metric {
	row := func(v func(shared.Stats) int64) values {
		return func(s *snapshot, out send) {
			if s.sources.Shared != nil {
				out(float64(v(s.shared)))
			}
		}
	}
	by := func(v func(shared.Stats) map[string]float64) values {
		return func(s *snapshot, out send) {
			if s.sources.Shared == nil {
				return
			}
			for label, n := range v(s.shared) {
				out(n, label)
			}
		}
	}
	return []metric{
		{gauge, "shared_up", "1 where the shared cache answers, 0 while it is left alone because it did not.", nil,
			row(func(s shared.Stats) int64 { return int64(yes(s.Cause == nil)) })},
		{gauge, "shared_writable", "1 where the shared cache takes uploads, 0 while nothing is put there because it did not.", nil,
			row(func(s shared.Stats) int64 { return int64(yes(s.NoUploads == nil)) })},
		{counter, "shared_failures_total", "How often the shared cache failed, so that it was left alone until a probe was answered.", nil,
			row(func(s shared.Stats) int64 { return s.Cycles })},
		{counter, "shared_read_bytes_total", "Bytes that came from the shared cache, which the archive need not send.", nil, row(func(s shared.Stats) int64 { return s.Bytes })},
		{counter, "shared_looks_total", "Payloads and heads looked for in the shared cache, by what came of it.", []string{"result"}, by(sharedLooks)},
		{counter, "shared_offers_total", "Payloads and heads offered to the shared cache, by what came of it.", []string{"result"}, by(sharedOffers)},
		{counter, "shared_requests_total", "Requests to the store of the shared cache, those for leases too.", []string{"kind"}, func(s *snapshot, out send) {
			if s.sources.SharedRequests != nil {
				out(float64(s.requests.Reads), "read")
				out(float64(s.requests.Writes), "write")
			}
		}},
		{counter, "shared_estimated_cost_total", "What requests to the shared cache cost, and what was written to it if that is kept for --shared-keep, by the flags --price-shared-….",
			[]string{"item"}, func(s *snapshot, out send) {
				if s.sources.SharedRequests != nil {
					for what, cost := range s.metrics.price.Shared.costs(s.requests, s.shared.UploadedBytes) {
						out(cost, what)
					}
				}
			}},
		{counter, "shared_written_bytes_total", "Bytes written to the shared cache.", nil, row(func(s shared.Stats) int64 { return s.UploadedBytes })},
		{gauge, "shared_waiting_bytes", "Bytes that wait to be written to the shared cache.", nil, row(func(s shared.Stats) int64 { return s.Waiting })},
	}
}

// sharedLooks gives what came of looks.
func sharedLooks(s shared.Stats) map[string]float64 {
	return map[string]float64{
		"hit": float64(s.Hits), "miss": float64(s.Misses), "failed": float64(s.Failed), "skipped": float64(s.Skipped), "damaged": float64(s.Damaged),
	}
}

// sharedOffers gives what came of offers.
func sharedOffers(s shared.Stats) map[string]float64 {
	return map[string]float64{
		"written": float64(s.Uploaded), "there": float64(s.There), "refused": float64(s.Refused), "dropped": float64(s.Dropped), "failed": float64(s.UploadFailed),
	}
}

// statusShared gives the shared cache for the status.
func (n *snapshot) statusShared() *StatusShared {
	s := &StatusShared{
		Up: n.shared.Cause == nil, Writable: n.shared.NoUploads == nil, ReadBytes: float64(n.shared.Bytes), Looks: sharedLooks(n.shared), Offers: sharedOffers(n.shared),
		Requests: map[string]float64{"read": float64(n.requests.Reads), "write": float64(n.requests.Writes)},
		Costs:    n.metrics.price.Shared.costs(n.requests, n.shared.UploadedBytes), WrittenBytes: float64(n.shared.UploadedBytes), WaitingBytes: float64(n.shared.Waiting),
	}
	if n.shared.Cause != nil {
		s.Problem = logs.OneLine(n.shared.Cause)
	}
	if n.shared.NoUploads != nil {
		s.WriteProblem = logs.OneLine(n.shared.NoUploads)
	}
	return s
}
