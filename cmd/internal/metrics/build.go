package metrics

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// build is what the binary was made from.
type build struct{ version, commit, fuse string }

// readBuild gives what is known of the binary.
func readBuild() build {
	b := build{"unknown", "unknown", "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.commit = s.Value
		}
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/hanwen/go-fuse/v2" {
			b.fuse = m.Version
		}
	}
	return b
}

// metric gives the metric that says so.
func (b build) metric() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "What this binary was built from; always 1.",
		ConstLabels: prometheus.Labels{"version": b.version, "commit": b.commit, "goversion": runtime.Version(), "gofuse": b.fuse},
	}, func() float64 { return 1 })
}
