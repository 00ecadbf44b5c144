package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

// commit is set by the linker where a program is built without git, as in an image: -X main.commit=…
var commit string //nolint:gochecknoglobals // the linker sets no other kind

// goFUSE is the module whose version matters for how the mount behaves.
const goFUSE = "github.com/hanwen/go-fuse/v2"

// versionCommand is clipfs version.
func versionCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "version [flags]",
		Short: "Tell what this binary was built from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := buildVersion()
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), v.describe())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one line of JSON, for programs")
	return cmd
}

// unknown stands for what was not recorded.
const unknown = "unknown"

// buildVersion gives the version of this binary.
func buildVersion() version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(info)
}

// version is what a binary was built from.
type version struct {
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

// versionOf reads a binary's build info.
func versionOf(info *debug.BuildInfo) version {
	v := version{Version: info.Main.Version, Commit: unknown, GoFUSE: unknown,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if v.Version == "" {
		v.Version = unknown
	}
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
	if v.Commit == unknown && commit != "" {
		v.Commit = commit
	}
	return v
}

// describe writes it for people, one fact a line.
func (v version) describe() string {
	modified := ""
	if v.Modified {
		modified = " (modified)"
	}
	return fmt.Sprintf("clipfs  %s\ncommit  %s%s\ngo      %s %s\ngo-fuse %s\n",
		v.Version, v.Commit, modified, v.Go, v.Platform, v.GoFUSE)
}
