// Package metrics turns what a mount does into Prometheus metrics, a status text and an answer about its health.
//
// # Data flow
//
//	clip/kvs   ─ Observer ─┐
//	fs         ─ Observer ─┼→ Metrics ─→ snapshot ─┬→ table → GET /metrics   Prometheus text
//	clip, cache ─ Stats ───┘  (sources)            ├→ Status                 MOUNT/.clipfs/status.json
//	fs, clip/kvs ─ errors ───→ Health ─────────────┴→ GET /healthz           200, or 503 and why
//
// What happens often is counted as it happens, in counters and histograms that are there from the start, so that counting
// neither allocates nor waits. What others count anyway is asked of them when somebody looks. Metrics and status are made of one
// snapshot, so both say the same. A new metric is a row of table.
//
// No metric has a label of a stream, a path or a program: a site has hundreds of cameras, and quotas are four for each.
// The quotas are told by the stream that has least left, and the status names those streams.
package metrics
