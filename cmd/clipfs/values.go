package main

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/docker/go-units"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// byteSize is a flag in bytes: 10GiB, 500MB, 1g, 100000. It must be more than 0.
type byteSize int64

// String implements pflag.Value: in the unit that gives the size exactly, as it may be read again.
func (v *byteSize) String() string {
	for _, text := range []string{sizeText(int64(*v)), units.HumanSize(float64(*v))} {
		if n, err := parseBytes(text); err == nil && n == int64(*v) {
			return text
		}
	}
	return strconv.FormatInt(int64(*v), 10)
}

// sizeText gives bytes for people: four digits, in a unit of 1024.
func sizeText(n int64) string {
	return units.CustomSize("%.4g%s", float64(n), 1024, []string{"B", "KiB", "MiB", "GiB", "TiB"})
}

// Set implements pflag.Value.
func (v *byteSize) Set(s string) error {
	n, err := parseBytes(s)
	if err != nil || n <= 0 {
		return fmt.Errorf("%q: want bytes, such as 10GiB or 500MB", s)
	}
	*v = byteSize(n)
	return nil
}

// Type implements pflag.Value.
func (v *byteSize) Type() string { return "bytes" }

// byteSizeOrNone is a flag in bytes that can be 0.
type byteSizeOrNone byteSize

// String implements pflag.Value.
func (v *byteSizeOrNone) String() string { return (*byteSize)(v).String() }

// Set implements pflag.Value.
func (v *byteSizeOrNone) Set(s string) error {
	if n, err := parseBytes(s); err == nil && n == 0 {
		*v = 0
		return nil
	}
	return (*byteSize)(v).Set(s)
}

// Type implements pflag.Value.
func (v *byteSizeOrNone) Type() string { return "bytes" }

// orNone gives a size as package clip wants it, where 0 stands for the default.
func orNone(n byteSize) int64 {
	if n == 0 {
		return -1
	}
	return int64(n)
}

// unservable is a flag that says what becomes of clips with footage of which the service makes no MP4.
type unservable clip.UnservablePolicy

// String implements pflag.Value.
func (v *unservable) String() string { return clip.UnservablePolicy(*v).String() }

// Set implements pflag.Value.
func (v *unservable) Set(s string) error {
	for _, p := range []clip.UnservablePolicy{clip.RefuseUnservable, clip.SkipUnservable} {
		if p.String() == s {
			*v = unservable(p)
			return nil
		}
	}
	return fmt.Errorf("%q: want refuse or skip", s)
}

// Type implements pflag.Value.
func (v *unservable) Type() string { return "refuse|skip" }

// gaps is a flag that says what becomes of gaps.
type gaps clip.GapPolicy

// String implements pflag.Value.
func (v *gaps) String() string { return clip.GapPolicy(*v).String() }

// Set implements pflag.Value.
func (v *gaps) Set(s string) error {
	for _, p := range []clip.GapPolicy{clip.CloseGaps, clip.KeepGaps} {
		if p.String() == s {
			*v = gaps(p)
			return nil
		}
	}
	return fmt.Errorf("%q: want close or keep", s)
}

// Type implements pflag.Value.
func (v *gaps) Type() string { return "close|keep" }

// parseBytes reads a size: by 1024 with an i in its unit or without a B at its end, else by 1000.
func parseBytes(s string) (int64, error) {
	if n := len(s); n > 2 && (s[n-1] == 'B' || s[n-1] == 'b') && s[n-2] != 'i' {
		return units.FromHumanSize(s)
	}
	return units.RAMInBytes(s)
}

// zone is a flag that names a time zone as the IANA database does.
type zone struct{ location *time.Location }

// String implements pflag.Value.
func (v *zone) String() string {
	if v.location == nil {
		return "UTC"
	}
	return v.location.String()
}

// Set implements pflag.Value.
func (v *zone) Set(s string) (err error) {
	if v.location, err = time.LoadLocation(s); err != nil {
		return fmt.Errorf("%q: want the name of a time zone, such as Europe/Berlin", s)
	}
	return nil
}

// Type implements pflag.Value.
func (v *zone) Type() string { return "zone" }

// names is a flag that says how names are listed; true is the basic format.
type names bool

// String implements pflag.Value.
func (v *names) String() string {
	if *v {
		return "basic"
	}
	return "extended"
}

// Set implements pflag.Value.
func (v *names) Set(s string) error {
	switch s {
	case "basic":
		*v = true
	case "extended":
		*v = false
	default:
		return fmt.Errorf("%q: want extended or basic", s)
	}
	return nil
}

// Type implements pflag.Value.
func (v *names) Type() string { return "extended|basic" }

// selector is a flag that says by which clock spans select.
type selector archive.Selector

// String implements pflag.Value.
func (v *selector) String() string { return archive.Selector(*v).String() }

// Set implements pflag.Value.
func (v *selector) Set(s string) error {
	parsed, err := archive.ParseSelector(s)
	if err != nil {
		return err
	}
	*v = selector(parsed)
	return nil
}

// Type implements pflag.Value.
func (v *selector) Type() string { return "producer|server" }

// level is a flag that says how much is logged.
type level slog.Level

// String implements pflag.Value.
func (v *level) String() string {
	switch slog.Level(*v) {
	case slog.LevelDebug:
		return "debug"
	case slog.LevelWarn:
		return "warn"
	case slog.LevelError:
		return "error"
	}
	return "info"
}

// Set implements pflag.Value.
func (v *level) Set(s string) error {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if named := level(l); named.String() == s {
			*v = named
			return nil
		}
	}
	return fmt.Errorf("%q: want debug, info, warn or error", s)
}

// Type implements pflag.Value.
func (v *level) Type() string { return "debug|info|warn|error" }

// positive is a flag for a time that must be more than 0.
type positive time.Duration

// String implements pflag.Value.
func (v *positive) String() string { return time.Duration(*v).String() }

// Set implements pflag.Value.
func (v *positive) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q: want a time, such as 60s", s)
	}
	*v = positive(d)
	return nil
}

// Type implements pflag.Value.
func (v *positive) Type() string { return "duration" }
