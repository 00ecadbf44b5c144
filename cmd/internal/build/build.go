// Package build tells what this binary was built from.
package build

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// commit is set by the linker where a program is built without git, as in an image: -X clipfs/cmd/internal/build.commit=…
var commit string //nolint:gochecknoglobals // the linker sets no other kind

// goFUSE is the module whose version matters for how the mount behaves.
const goFUSE = "github.com/hanwen/go-fuse/v2"

// unknown stands for what was not recorded.
const unknown = "unknown"

// Info is what a binary was built from.
type Info struct {
	// Version is the module's: a tag, a pseudo-version, or (devel).
	Version string `json:"version"`
	// Commit is the revision, Time when it was committed, Modified whether there was more than that.
	Commit   string     `json:"commit"`
	Time     *time.Time `json:"time,omitempty"`
	Modified bool       `json:"modified"`
	// Go and GoFUSE are versions, Platform is what it runs on.
	Go       string `json:"go"`
	Platform string `json:"platform"`
	GoFUSE   string `json:"go_fuse"`
}

// Read gives what this binary was built from.
func Read() Info {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return Of(info)
}

// Of reads the build info of a binary.
func Of(info *debug.BuildInfo) Info {
	v := Info{Version: cmp.Or(info.Main.Version, unknown), GoFUSE: unknown, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		case "vcs.time":
			if t, err := time.Parse(time.RFC3339, s.Value); err == nil {
				v.Time = &t
			}
		}
	}
	for _, m := range info.Deps {
		if m.Path == goFUSE {
			v.GoFUSE = m.Version
		}
	}
	v.Commit = cmp.Or(v.Commit, commit, unknown)
	return v
}

// String writes it for people, one fact a line.
func (v Info) String() string {
	modified := ""
	if v.Modified {
		modified = " (modified)"
	}
	return fmt.Sprintf("clipfs  %s\ncommit  %s%s\ngo      %s %s\ngo-fuse %s\n",
		v.Version, v.Commit, modified, v.Go, v.Platform, v.GoFUSE)
}
