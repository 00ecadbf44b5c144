package fleet

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"clipfs/cmd/clipbench/internal/plot"
	"clipfs/cmd/clipbench/internal/simulate"
)

// quantity is something that is told of a result.
type quantity struct {
	name, unit string
	of         func(simulate.Result) float64
	digits     int
}

// compared are what real mounts and the simulation are compared by.
func compared() []quantity {
	return []quantity{
		{"bytes of the archive", "MB", func(r simulate.Result) float64 { return r.ArchiveBytes / 1e6 }, 0},
		{"points for media", "", func(r simulate.Result) float64 { return r.MediaPoints }, 0},
		{"open, the last", "s", func(r simulate.Result) float64 { return float64(r.OpenLast) }, 1},
		{"all read, the last", "s", func(r simulate.Result) float64 { return float64(r.EndLast) }, 1},
		{"GET and HEAD", "", func(r simulate.Result) float64 { return r.Gets }, 0},
		{"PUT", "", func(r simulate.Result) float64 { return r.Puts }, 0},
	}
}

// daily are what is told of fleets; plots are named by file.
func daily(p simulate.Prices) []quantity {
	day := func(of func(simulate.Result) float64) func(simulate.Result) float64 {
		return func(r simulate.Result) float64 { return of(r) / r.Workload.DaysOf() }
	}
	return []quantity{
		{"archive", "GB of the archive a day", day(func(r simulate.Result) float64 { return r.ArchiveBytes / 1e9 }), 2},
		{"points", "media points a day", day(func(r simulate.Result) float64 { return r.MediaPoints }), 0},
		{"open", "seconds to open, the last host", func(r simulate.Result) float64 { return float64(r.OpenLast) }, 1},
		{"requests", "requests on the store a day", day(func(r simulate.Result) float64 { return r.Gets + r.Puts }), 0},
		{"dollars", "dollars a day", func(r simulate.Result) float64 {
			archive, requests, storage := r.Dollars(p)
			return archive + requests + storage
		}, 2},
	}
}

// Tables writes all tables as Markdown.
func (d Data) Tables(w io.Writer) error {
	var b strings.Builder
	b.WriteString("<!-- made by clipbench fleet from fleet.json; do not edit -->\n\n")
	c := d.Costs
	fmt.Fprintf(&b, "Costs: %s; of each part %d fragments and %.2f MB, %.0f ms and %.0f MB/s a connection to the archive, %.0f ms and %.0f MB/s to the "+
		"store. Measured: %.2f further calls a part (%.2f where several hosts share), %.2f of the parts fetched by another host that asks at the same time, %.2f of the quota used by "+
		"hosts that do not share, %.0f ms to keep an object, %.1f ms of processor a head, %.0f MB/s a reader.\n\n", c.Note, c.Fragments, c.PartBytes/1e6,
		c.ArchiveLatency*1000, c.ArchiveBandwidth/1e6, c.StoreLatency*1000, c.StoreBandwidth/1e6, c.Refetch, c.Yields, c.Duplicate, c.Contended, c.Upload*1000,
		c.HeadCPU*1000, c.ReadRate/1e6)
	d.validation(&b)
	for _, workload := range simulate.Workloads() {
		d.table(&b, workload)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// validation compares real mounts with the simulation.
func (d Data) validation(b *strings.Builder) {
	b.WriteString("## Real mounts and the simulation\n\nThe same hour, all at once, caches and bucket empty.\n\n")
	b.WriteString("| hosts | bucket | what | real | simulated | ratio |\n|---:|---|---|---:|---:|---:|\n")
	for i, r := range d.Real {
		if i >= len(d.Same) {
			break
		}
		for _, q := range compared() {
			real, same := q.of(r), q.of(d.Same[i])
			if real == 0 && same == 0 {
				continue
			}
			fmt.Fprintf(b, "| %d | %s | %s | %.*f %s | %.*f %s | %s |\n", r.Hosts, with(r.Tier), q.name, q.digits, real, q.unit, q.digits, same, q.unit, ratio(same, real))
		}
	}
	b.WriteByte('\n')
}

func ratio(a, b float64) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func with(tier bool) string {
	if tier {
		return "with"
	}
	return "without"
}

// table shows fleets of a workload by their size.
func (d Data) table(b *strings.Builder, w simulate.Workload) {
	fmt.Fprintf(b, "## Simulated: %s\n\n", w)
	b.WriteString("| hosts | bucket | GB of the archive a day | media points a day | open, middle | open, last | requests a day | most requests a second | " +
		"bytes written a day | dollars a day: archive | requests | storage | all |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range d.Fleet {
		if r.Workload != w {
			continue
		}
		days := w.DaysOf()
		archive, requests, storage := r.Dollars(d.Prices)
		fmt.Fprintf(b, "| %d | %s | %.2f | %.0f | %.1f s | %.1f s | %.0f | %.0f | %.2f GB | %.3f | %.3f | %.3f | %.3f |\n", r.Hosts, with(r.Tier),
			r.ArchiveBytes/1e9/days, r.MediaPoints/days, r.OpenMedian, r.OpenLast, (r.Gets+r.Puts)/days, r.PeakRequests, r.Written/1e9/days,
			archive, requests, storage, archive+requests+storage)
	}
	b.WriteByte('\n')
}

// Plots gives a picture of each quantity, by the name of its file.
func (d Data) Plots() map[string][]byte {
	files := make(map[string][]byte)
	for _, q := range daily(d.Prices) {
		p := plot.Plot{Title: "A fleet: " + q.unit, X: "hosts", Y: q.unit}
		for _, w := range simulate.Workloads() {
			for _, tier := range []bool{false, true} {
				l := plot.Line{Name: string(w) + ", " + with(tier)}
				for _, r := range d.Fleet {
					if r.Workload == w && r.Tier == tier {
						l.X, l.Y = append(l.X, float64(r.Hosts)), append(l.Y, q.of(r))
					}
				}
				if slices.ContainsFunc(l.Y, func(y float64) bool { return y > 0 }) {
					p.Lines = append(p.Lines, l)
				}
			}
		}
		files["fleet-"+q.name+".svg"] = p.SVG()
	}
	return files
}
