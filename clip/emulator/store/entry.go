package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"clipfs/clip/emulator/footage"
)

const (
	// numberDigits is the length of a fragment number; its parts are those of footage.FragmentNumber.
	numberDigits = 47
	msDigits     = 14
	indexDigits  = 29
	sourceDigits = 44
	// pushedSource ends the number of a fragment that was pushed, where others have which of a stream's sources they are
	// from.
	pushedSource = "999"
	extension    = ".mkv"
)

// stamp is what of a fragment number increases: the server time, never going back, and a count.
type stamp struct {
	ms    int64
	index uint64
}

// number makes the fragment number.
func (s stamp) number() string {
	n := footage.FragmentNumber(time.UnixMilli(s.ms), s.index)
	return n[:sourceDigits] + pushedSource
}

// stampOf reads a fragment number.
func stampOf(number string) (stamp, error) {
	if len(number) != numberDigits {
		return stamp{}, fmt.Errorf("fragment number %q", number)
	}
	ms, err := strconv.ParseUint(number[msDigits:indexDigits], 10, 63)
	if err != nil {
		return stamp{}, err
	}
	index, err := strconv.ParseUint(number[indexDigits:sourceDigits], 10, 63)
	return stamp{ms: int64(ms), index: index}, err
}

// entry is what the index knows of a fragment.
type entry struct {
	number           string
	producer, server time.Time
	length           time.Duration
	size             int64
}

// entryOf gives the entry of a fragment.
func entryOf(f *footage.Fragment) entry {
	return entry{number: f.Number, producer: f.Producer, server: f.Server, length: f.Length, size: f.Size}
}

// fragment makes the fragment whose media open gives.
func (e entry) fragment(open func() ([]byte, error)) footage.Fragment {
	return footage.NewStored(e.number, e.producer, e.server, e.length, e.size, open)
}

// fileName is the name of the fragment's file.
func (e entry) fileName() string {
	return fmt.Sprintf("%s-%d-%d-%d-%d%s", e.number, e.producer.UnixMilli(), e.server.UnixMilli(), e.length.Milliseconds(),
		e.size, extension)
}

// parseEntry reads the name of a fragment's file.
func parseEntry(name string) (entry, error) {
	base, ok := strings.CutSuffix(name, extension)
	parts := strings.Split(base, "-")
	if !ok || len(parts) != 5 {
		return entry{}, fmt.Errorf("%s: not the name of a fragment", name)
	}
	if _, err := stampOf(parts[0]); err != nil {
		return entry{}, fmt.Errorf("%s: %w", name, err)
	}
	var n [4]int64
	for i, p := range parts[1:] {
		v, err := strconv.ParseUint(p, 10, 48)
		if err != nil {
			return entry{}, fmt.Errorf("%s: %w", name, err)
		}
		n[i] = int64(v)
	}
	return entry{number: parts[0], producer: time.UnixMilli(n[0]).UTC(), server: time.UnixMilli(n[1]).UTC(),
		length: time.Duration(n[2]) * time.Millisecond, size: n[3]}, nil
}
