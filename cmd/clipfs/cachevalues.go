package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// share is a flag for a part of a disk: bytes, or percent of it.
type share struct {
	bytes   int64
	percent float64
}

// String implements pflag.Value.
func (v *share) String() string {
	if v.percent > 0 {
		return strconv.FormatFloat(v.percent, 'f', -1, 64) + "%"
	}
	return (*byteSize)(&v.bytes).String()
}

// Set implements pflag.Value.
func (v *share) Set(s string) error {
	wrong := fmt.Errorf("%q: want a part of the disk, such as 5%% or 20GiB", s)
	if number, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(number, 64)
		if err != nil || !(p >= 0 && p < 100) { // NaN is neither
			return wrong
		}
		*v = share{percent: p}
		return nil
	}
	n, err := parseBytes(s)
	if err != nil || n < 0 {
		return wrong
	}
	*v = share{bytes: n}
	return nil
}

// Type implements pflag.Value.
func (v *share) Type() string { return "share" }

// age is a flag for a time that can be given in days: 7d, 36h, 1d12h. Its zero value is none, which cannot be set.
type age time.Duration

const day = 24 * time.Hour

// String implements pflag.Value.
func (v *age) String() string {
	if *v == 0 {
		return ""
	}
	d := time.Duration(*v)
	text := ""
	if n := d / day; n > 0 {
		text = fmt.Sprintf("%dd", n)
	}
	if rest := d % day; rest > 0 {
		text += rest.String()
	}
	return text
}

// Set implements pflag.Value.
func (v *age) Set(s string) error {
	wrong := fmt.Errorf("%q: want a time, such as 7d or 36h", s)
	var total time.Duration
	rest := s
	if days, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 32)
		if err != nil || n < 0 || n > maxDays {
			return wrong
		}
		total, rest = time.Duration(n)*day, after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return wrong
		}
		total += d
	}
	if total <= 0 {
		return wrong
	}
	*v = age(total)
	return nil
}

// maxDays is ten years, as long as KVS keeps anything.
const maxDays = 3660

// Type implements pflag.Value.
func (v *age) Type() string { return "duration" }
