package names

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// ListedLengths are the lengths that a start directory lists; any other resolves too.
func ListedLengths() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
}

// maxLengthDigits bounds a number in a length: 24 h are 86,400 s, and more digits than this would only be zeros.
const maxLengthDigits = 9

// ParseLength reads a length, "[Nd][Nh][Nm][N[.N]s]" with up to three digits after the point, more than 0 and at most
// 24 h. ErrName if it is anything else.
func ParseLength(text string) (time.Duration, error) {
	s := scanner{rest: text}
	var total time.Duration
	units := []struct {
		letter byte
		length time.Duration
	}{{'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}
	for next := 0; s.rest != "" && !s.bad; {
		n, _ := s.digits(maxLengthDigits)
		ms, fraction := 0, s.accept('.')
		if fraction {
			ms = s.millis()
		}
		for next < len(units) && !s.more(units[next].letter) {
			next++
		}
		if next == len(units) || (fraction && units[next].letter != 's') {
			return 0, fmt.Errorf("length %q: %w", text, archive.ErrName)
		}
		s.expect(units[next].letter)
		if time.Duration(n) > archive.MaxSpan/units[next].length {
			return 0, &nameError{text, "it is over 24 h"}
		}
		total += time.Duration(n)*units[next].length + time.Duration(ms)*time.Millisecond
		next++
	}
	switch {
	case !s.bad && text != "" && total == 0:
		return 0, &nameError{text, "it is nothing"}
	case !s.bad && total > archive.MaxSpan:
		return 0, &nameError{text, "it is over 24 h"}
	case s.bad || total <= 0:
		return 0, fmt.Errorf("length %q: %w", text, archive.ErrName)
	}
	return total, nil
}

// FormatLength writes a length canonically: hours, minutes and seconds, each only where it is not 0: "1h30m",
// "1m30.5s", "24h". The length must be positive; it is cut to the millisecond.
func FormatLength(length time.Duration) string {
	ms := length.Milliseconds()
	var b strings.Builder
	if h := ms / 3_600_000; h > 0 {
		b.WriteString(strconv.FormatInt(h, 10) + "h")
	}
	if m := ms / 60_000 % 60; m > 0 {
		b.WriteString(strconv.FormatInt(m, 10) + "m")
	}
	if rest := ms % 60_000; rest > 0 || b.Len() == 0 {
		b.WriteString(strconv.FormatInt(rest/1000, 10))
		if rest%1000 != 0 {
			b.WriteString("." + strings.TrimRight(fmt.Sprintf("%03d", rest%1000), "0"))
		}
		b.WriteString("s")
	}
	return b.String()
}
