package fault

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
)

const (
	// defaultRate is that of a drip, in bytes a second.
	defaultRate = 100
	// defaultCut is where a body is truncated, in percent.
	defaultCut = 50
)

// ErrRule means that a rule cannot be understood.
var ErrRule = errors.New("fault")

// Parse reads a rule. Errors wrap ErrRule and say what would be right.
func Parse(text string) (Rule, error) {
	text = strings.TrimSpace(text)
	r := Rule{Chance: 1, text: text}
	seen := make(map[string]bool)
	for field := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if !ok || value == "" {
			return Rule{}, fmt.Errorf("%w %q: %q: want KEY=VALUE", ErrRule, text, field)
		}
		if seen[key] {
			return Rule{}, fmt.Errorf("%w %q: %s is given twice", ErrRule, text, key)
		}
		seen[key] = true
		if err := r.set(key, value); err != nil {
			return Rule{}, fmt.Errorf("%w %q: %s: %w", ErrRule, text, key, err)
		}
	}
	if err := r.complete(seen); err != nil {
		return Rule{}, fmt.Errorf("%w %q: %w", ErrRule, text, err)
	}
	return r, nil
}

// set takes one KEY=VALUE.
func (r *Rule) set(key, value string) (err error) {
	switch key {
	case "kind":
		r.Kind = Kind(value)
	case "api":
		r.API = value
	case "stream":
		r.Stream = value
	case "p":
		r.Chance, err = parseChance(value)
	case "skip":
		r.Skip, err = parseNumber(value, 0)
	case "count":
		r.Count, err = parseNumber(value, 1)
	case "at":
		r.At, err = parsePosition(value)
	case "for":
		r.For, err = time.ParseDuration(value)
		if err == nil && r.For <= 0 {
			err = fmt.Errorf("%q: want a time, such as 30s", value)
		}
	case "rate":
		r.Rate, err = parseBytes(strings.TrimSuffix(value, "/s"))
		if err == nil && r.Rate == 0 {
			err = fmt.Errorf("%q: want bytes a second", value)
		}
	case "status":
		r.Status, err = parseStatus(value)
	case "by":
		r.Bytes, r.Shift, err = parseBy(value)
	case "code":
		r.Code, err = parseCode(value)
	case "what":
		r.What, err = parseUntruth(value)
	default:
		return errors.New("no such key")
	}
	return err
}

// complete checks that the keys given go with the kind, and fills in defaults.
func (r *Rule) complete(given map[string]bool) error {
	f, ok := forms()[r.Kind]
	if !ok {
		return fmt.Errorf("kind %q: want one of %s", r.Kind, kindNames())
	}
	always := []string{"kind", "api", "stream", "p", "skip", "count"}
	if r.Kind == Refuse {
		always = always[:2] // no call arrives that the others could tell from others
	}
	for key := range given {
		if !slices.Contains(always, key) && !slices.Contains(f.keys, key) {
			return fmt.Errorf("%s takes no %s", r.Kind, key)
		}
	}
	for _, key := range f.needs {
		if !given[key] {
			return fmt.Errorf("%s needs %s", r.Kind, key)
		}
	}
	if r.API != "" && len(f.apis) > 0 && !slices.Contains(f.apis, r.API) {
		return fmt.Errorf("%s is for %s only", r.Kind, strings.Join(f.apis, " and "))
	}
	switch {
	case r.API == putMedia && !f.puts && r.Kind != Refuse:
		return fmt.Errorf("%s is not for PutMedia", r.Kind)
	case (r.API == putMedia || f.ofPuts()) && r.At.percent > 0:
		return errors.New("at: nobody knows how much media comes: want bytes, such as 65536 or 64KiB")
	case r.Kind == Length && r.Bytes == 0:
		return errors.New("by: want bytes, such as +1000 or -1000")
	case r.Kind == Skew && r.Shift == 0:
		return errors.New("by: want a time, such as 10m or -10m")
	case r.Kind == Drip && !given["rate"]:
		r.Rate = defaultRate
	case r.Kind == Status && !given["status"]:
		r.Status = http.StatusInternalServerError
	case r.Kind == Truncate && !given["at"]:
		r.At = Position{set: true, percent: defaultCut}
	}
	return nil
}

// parseChance reads a probability.
func parseChance(s string) (float64, error) {
	p, err := strconv.ParseFloat(s, 64)
	if err != nil || !(p > 0 && p <= 1) {
		return 0, fmt.Errorf("%q: want more than 0 and at most 1", s)
	}
	return p, nil
}

// parseNumber reads a number of calls.
func parseNumber(s string, least int64) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < least {
		return 0, fmt.Errorf("%q: want a number from %d on", s, least)
	}
	return n, nil
}

// parseStatus reads the status of a failure.
func parseStatus(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 400 || n > 599 {
		return 0, fmt.Errorf("%q: want 400 to 599", s)
	}
	return n, nil
}

// Codes gives the ErrorIds that PutMedia has (API reference, PutMedia, Response Elements).
func Codes() []int {
	return []int{4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4011, 4012, 5000, 5001}
}

// parseCode reads the ErrorId of an acknowledgement.
func parseCode(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || !slices.Contains(Codes(), n) {
		return 0, fmt.Errorf("%q: want one of %d", s, Codes())
	}
	return n, nil
}

// parseBy reads by how much something is off: bytes or a time, with or without a sign.
func parseBy(s string) (bytes int64, shift time.Duration, err error) {
	if shift, err = time.ParseDuration(s); err == nil && shift != 0 {
		return 0, shift, nil
	}
	number := strings.TrimLeft(s, "+-")
	if len(s)-len(number) > 1 {
		return 0, 0, fmt.Errorf("%q: want bytes or a time", s)
	}
	if bytes, err = parseBytes(number); err != nil {
		return 0, 0, fmt.Errorf("%q: want bytes or a time", s)
	}
	if s[0] == '-' {
		bytes = -bytes
	}
	return bytes, 0, nil
}

// parseBytes reads 65536, 64KiB or 64kB.
func parseBytes(s string) (int64, error) {
	parse := units.RAMInBytes
	if n := len(s); n > 2 && (s[n-1] == 'B' || s[n-1] == 'b') && s[n-2] != 'i' {
		parse = units.FromHumanSize
	}
	n, err := parse(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q: want bytes, such as 65536 or 64KiB", s)
	}
	return n, nil
}
