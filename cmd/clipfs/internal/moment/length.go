package moment

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// unit gives the length of a unit of time: its letter, or a word for it; 0 if there is none.
func unit(word string) time.Duration {
	switch word {
	case "s", "sec", "secs", "second", "seconds":
		return time.Second
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour
	case "d", "day", "days":
		return 24 * time.Hour
	case "w", "week", "weeks":
		return 7 * 24 * time.Hour
	}
	return 0
}

// maxLength is the longest that Length reads: retention is 10 years at most.
const maxLength = 10 * 366 * 24 * time.Hour

// Length reads a length as people write it: "10m", "1h30m", "90 s", "10 minutes", "1.5h". It is more than 0.
func Length(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is no length, such as 10m or 1h30m: %w", strings.TrimSpace(text), ErrText)
	rest := strings.ToLower(strings.Join(strings.Fields(text), ""))
	var total time.Duration
	last := time.Duration(math.MaxInt64)
	for rest != "" {
		after := strings.TrimLeft(rest, "0123456789.")
		n, err := strconv.ParseFloat(rest[:len(rest)-len(after)], 64)
		word := after[:len(after)-len(strings.TrimLeft(after, "abcdefghijklmnopqrstuvwxyz"))]
		length := unit(word)
		if err != nil || length == 0 || length >= last || n > float64(maxLength/length) { // from coarse to fine, each once
			return 0, wrong
		}
		total += time.Duration(math.Round(n*float64(length/time.Millisecond))) * time.Millisecond
		rest, last = after[len(word):], length
	}
	if total <= 0 || total > maxLength {
		return 0, wrong
	}
	return total, nil
}

// ClipLength is Length for a clip, which is up to 24 h long.
func ClipLength(text string) (time.Duration, error) {
	length, err := Length(text)
	if err == nil && length > archive.MaxSpan {
		return 0, fmt.Errorf("%q: a clip is up to 24 h long: %w", text, ErrText)
	}
	return length, err
}

// isDays tells whether words are a number of days or weeks, whole ones of the calendar.
func isDays(words []string) bool {
	text := strings.Join(words, "")
	number := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
	return number != "" && unit(text[len(number):]) >= 24*time.Hour
}

// clockTime reads a time of day, in all of the words, and gives it as ISO 8601: "10:00", "9:30:05.5", "9am", "9:30 pm",
// "noon", "midnight", each with "Z" or an offset at its end if it is digits alone.
func clockTime(words []string) (iso string, ok bool) {
	text := strings.TrimPrefix(strings.Join(words, ""), "at")
	switch text {
	case "noon":
		return "12:00", true
	case "midnight":
		return "00:00", true
	}
	for _, layout := range []struct{ half, full string }{{"3pm", "15:04"}, {"3:04pm", "15:04"}, {"3:04:05pm", "15:04:05"}} {
		if t, err := time.Parse(layout.half, text); err == nil && strings.Trim(text[:min(2, len(text))], "0:ap") != "" { // no 0 am
			return t.Format(layout.full), true
		}
	}
	end := strings.IndexAny(text, "z+-")
	if end < 0 {
		end = len(text)
	}
	clock, zone := text[:end], strings.ToUpper(text[end:])
	if strings.IndexByte(clock, ':') == 1 {
		clock = "0" + clock
	}
	// The grammar reads the rest, and is strict.
	return clock + zone, len(clock) >= len("15:04") && clock[2] == ':'
}
