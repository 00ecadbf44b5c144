package config

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/pflag"
)

// value is a flag on a variable. What show writes, read reads again.
type value[T any] struct {
	at   *T
	kind string
	read func(string) (T, error)
	show func(T) string
}

// Value makes a flag on a variable, of a kind that the help shows. show writes what read reads.
func Value[T any](at *T, kind string, read func(string) (T, error), show func(T) string) pflag.Value {
	return &value[T]{at, kind, read, show}
}

func (v *value[T]) String() string { return v.show(*v.at) }
func (v *value[T]) Type() string   { return v.kind }

func (v *value[T]) Set(s string) error {
	read, err := v.read(s)
	if err == nil {
		*v.at = read
	}
	return err
}

// want makes read functions of checks: an error or a value that is not allowed becomes one error with an example.
func want[T any](read func(string) (T, error), allowed func(T) bool, example string) func(string) (T, error) {
	return func(s string) (T, error) {
		v, err := read(s)
		if err != nil || !allowed(v) {
			return v, fmt.Errorf("%q: want %s", s, example)
		}
		return v, nil
	}
}

// Size is a number of bytes, at least least: 10GiB, 500MB, 1g, 100000.
func Size(at *int64, least int64) pflag.Value {
	return Value(at, "bytes", want(ParseSize, func(n int64) bool { return n >= least }, "bytes, such as 10GiB or 500MB"), FormatSize)
}

// Rate is a number of bytes a second, 0 or more: 25MB/s, 100000.
func Rate(at *int64) pflag.Value {
	read := func(s string) (int64, error) { return ParseSize(strings.TrimSuffix(s, "/s")) }
	return Value(at, "bytes", want(read, func(n int64) bool { return n >= 0 }, "bytes a second, such as 25MB/s"), func(n int64) string {
		if n == 0 {
			return "0"
		}
		return units.HumanSize(float64(n)) + "/s"
	})
}

// ParseSize reads bytes: by 1024 with an i in the unit or without a B at its end, else by 1000.
func ParseSize(s string) (int64, error) {
	if n := len(s); n > 2 && (s[n-1] == 'B' || s[n-1] == 'b') && s[n-2] != 'i' {
		return units.FromHumanSize(s)
	}
	return units.RAMInBytes(s)
}

// FormatSize writes bytes exactly, in a unit where that is possible.
func FormatSize(n int64) string {
	for _, text := range []string{Bytes(n), units.HumanSize(float64(n))} {
		if read, err := ParseSize(text); err == nil && read == n {
			return text
		}
	}
	return strconv.FormatInt(n, 10)
}

// Bytes writes bytes for people: four digits, in a unit of 1024.
func Bytes(n int64) string { return units.BytesSize(float64(n)) }

// Share is a part of a disk: Percent of it if that is not 0, else Bytes.
type Share struct {
	Bytes   int64
	Percent float64
}

// ShareValue is a part of a disk, 0 or more: 5%, 20GiB.
func ShareValue(at *Share) pflag.Value {
	read := func(s string) (Share, error) {
		if number, ok := strings.CutSuffix(s, "%"); ok {
			p, err := strconv.ParseFloat(number, 64)
			return Share{Percent: p}, err
		}
		n, err := ParseSize(s)
		return Share{Bytes: n}, err
	}
	allowed := func(s Share) bool { return s.Bytes >= 0 && s.Percent >= 0 && s.Percent < 100 } // NaN is neither
	return Value(at, "share", want(read, allowed, "a part of the disk, such as 5% or 20GiB"), func(s Share) string {
		if s.Percent > 0 {
			return strconv.FormatFloat(s.Percent, 'f', -1, 64) + "%"
		}
		return FormatSize(s.Bytes)
	})
}

// Duration is a time that may be 0.
func Duration(at *time.Duration) pflag.Value {
	allowed := func(d time.Duration) bool { return d >= 0 }
	return Value(at, "duration", want(time.ParseDuration, allowed, "a time, such as 30s"), time.Duration.String)
}

// Positive is a time of more than 0.
func Positive(at *time.Duration) pflag.Value {
	allowed := func(d time.Duration) bool { return d > 0 }
	return Value(at, "duration", want(time.ParseDuration, allowed, "a time, such as 60s"), time.Duration.String)
}

const (
	day = 24 * time.Hour
	// maxDays is ten years, as long as KVS retains anything.
	maxDays = 3660
)

// Age is a time of more than 0 that can be given in days: 7d, 36h, 1d12h. 0 stands for unset.
func Age(at *time.Duration) pflag.Value {
	read := func(s string) (total time.Duration, err error) {
		rest := s
		if days, after, ok := strings.Cut(s, "d"); ok {
			n, err := strconv.ParseUint(days, 10, 32)
			if err != nil || n > maxDays {
				return 0, fmt.Errorf("%q days", days)
			}
			total, rest = time.Duration(n)*day, after
		}
		if rest == "" {
			return total, nil
		}
		d, err := time.ParseDuration(rest)
		if d < 0 {
			return 0, err
		}
		return total + d, err
	}
	allowed := func(d time.Duration) bool { return d > 0 }
	return Value(at, "duration", want(read, allowed, "a time, such as 7d or 36h"), func(d time.Duration) string {
		text := ""
		if n := d / day; n > 0 {
			text = fmt.Sprintf("%dd", n)
		}
		if rest := d % day; rest > 0 {
			text += rest.String()
		}
		return text
	})
}

// Zone is the name of a time zone in the IANA database; nil is UTC.
func Zone(at **time.Location) pflag.Value {
	allowed := func(*time.Location) bool { return true }
	return Value(at, "zone", want(time.LoadLocation, allowed, "the name of a time zone, such as Europe/Berlin"), func(l *time.Location) string {
		if l == nil {
			return "UTC"
		}
		return l.String()
	})
}

// Price is an amount of money, in any currency, 0 or more.
func Price(at *float64) pflag.Value {
	read := func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
	allowed := func(n float64) bool { return n >= 0 && n <= math.MaxFloat64 } // NaN is neither
	return Value(at, "amount", want(read, allowed, "an amount of money, such as 0.0085"), func(n float64) string {
		return strconv.FormatFloat(n, 'f', -1, 64)
	})
}

// Choice is one of the values that there are, by their names.
func Choice[T any](at *T, name func(T) string, all ...T) pflag.Value {
	var names []string
	for _, v := range all {
		names = append(names, name(v))
	}
	last := len(names) - 1
	return Value(at, strings.Join(names, "|"), func(s string) (none T, err error) {
		for i, v := range all {
			if names[i] == s {
				return v, nil
			}
		}
		return none, fmt.Errorf("%q: want %s or %s", s, strings.Join(names[:last], ", "), names[last])
	}, name)
}

// Text is a value that parse reads from a text. It is shown as it was given; text is the default.
func Text[T any](at *T, kind, text string, parse func(string) (T, error)) pflag.Value {
	return Value(at, kind, func(s string) (T, error) {
		v, err := parse(s)
		if err == nil {
			text = s
		}
		return v, err
	}, func(T) string { return text })
}

// Level is how much is logged.
func Level(at *slog.Level) pflag.Value {
	name := func(l slog.Level) string { return strings.ToLower(l.String()) }
	return Choice(at, name, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError)
}

// Names is the format in which starts are listed: basic or extended.
func Names(basic *bool) pflag.Value { return Either(basic, "extended", "basic") }

// Either is one of two words, the first for false and the second for true.
func Either(at *bool, no, yes string) pflag.Value {
	return Choice(at, func(is bool) string {
		if is {
			return yes
		}
		return no
	}, false, true)
}

// OnOff is on or off, or any other word for these.
func OnOff(at *bool) pflag.Value {
	return Value(at, "on|off", func(s string) (bool, error) {
		switch strings.ToLower(s) {
		case "on", "true", "1", "yes":
			return true, nil
		case "off", "false", "0", "no":
			return false, nil
		}
		return false, fmt.Errorf("%q: want on or off", s)
	}, func(is bool) string {
		if is {
			return "on"
		}
		return "off"
	})
}
