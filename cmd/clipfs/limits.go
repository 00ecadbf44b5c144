package main

import (
	"fmt"
	"strings"

	"clipfs/clip"

	"github.com/spf13/cobra"
)

// limitFlags are the flags of clipfs mount that keep what it fetches within bounds.
type limitFlags struct {
	fetch     fetchLimit
	bandwidth byteRate
}

// bind makes the flags.
func (f *limitFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&f.fetch, "fetch-limit", "how much to fetch in an hour, a day or a month (UTC), such as 50GiB/day; beyond it only the cache is read")
	flags.Var(&f.bandwidth, "bandwidth-limit", "how many `bytes` a second all downloads take together, such as 20MB/s; 0 is unlimited")
}

// apply puts what the flags say into the options of a library whose cache is in a directory.
func (f *limitFlags) apply(o *clip.Options, cacheDir string) {
	o.FetchLimit, o.Bandwidth, o.LedgerDir = clip.FetchLimit(f.fetch), int64(f.bandwidth), cacheDir
}

// fetchLimit is a flag for bytes in a period: 50GiB/day. Its zero value is none.
type fetchLimit clip.FetchLimit

// noLimit is what sets none.
const noLimit = "none"

// String implements pflag.Value.
func (v *fetchLimit) String() string {
	if v.Bytes == 0 {
		return ""
	}
	return (*byteSize)(&v.Bytes).String() + "/" + v.Per.String()
}

// Set implements pflag.Value.
func (v *fetchLimit) Set(s string) error {
	if s == "" || s == "0" || s == noLimit {
		*v = fetchLimit{}
		return nil
	}
	wrong := fmt.Errorf("%q: want bytes in an hour, a day or a month, such as 50GiB/day", s)
	size, period, _ := strings.Cut(s, "/")
	n, err := parseBytes(size)
	if err != nil || n <= 0 {
		return wrong
	}
	per, err := clip.ParsePeriod(period)
	if err != nil {
		return wrong
	}
	*v = fetchLimit{Bytes: n, Per: per}
	return nil
}

// Type implements pflag.Value.
func (v *fetchLimit) Type() string { return "bytes/period" }
