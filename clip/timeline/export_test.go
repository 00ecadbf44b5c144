package timeline

import (
	"io"
	"log/slog"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline/packed"
)

// ReadDay reads a file of remembered hours; fragments and hours are what it gives.
func ReadDay(r io.Reader) (fragments []archive.Fragment, hours int, err error) {
	day := make(map[int64]bucket)
	err = readDay(r, day)
	for _, b := range day {
		fragments = b.fragments.AppendTo(fragments)
	}
	return fragments, len(day), err
}

// PutHours keeps so many hours, a day apart, of a fragment each in a store that is to be no larger than most.
func PutHours(dir string, count int, most, every int64) {
	s := newHourStore(dir, archive.ByProducer, slog.New(slog.DiscardHandler))
	s.most, s.every = most, every
	for i := range count {
		hour := int64(i) * 24 * 3600
		s.put(archive.Stream{Name: "cam", ARN: "arn"}, hourRecord{Hour: hour, Stored: packed.Stored{Fragments: []packed.Plain{{ID: "1", Producer: hour * 1000, Server: hour * 1000}}}})
	}
}

// Held tells how much of a timeline is in memory: fragments, and hours.
func Held(t *Timeline) (fragments, hours int) {
	t.table.mu.Lock()
	defer t.table.mu.Unlock()
	return t.table.buckets.held, t.table.buckets.lru.Len()
}

// PutHour puts an hour without fragments into memory, in the place of what is there, and gives its serial.
func PutHour(t *Timeline, v View, hour time.Time) uint64 {
	t.table.meet(v.Stream)
	t.table.buckets.put(keyOf(v.Stream.Name, hour), bucket{known: allMinutes, asked: time.Now(), settled: true})
	return t.table.buckets.serial
}

// StampOf gives the stamp of a listing that is made of hours with these serials.
func StampOf(serials ...uint64) uint64 {
	var sections []Section
	for _, s := range serials {
		sections = append(sections, Section{Serial: s})
	}
	return stampOf(sections)
}

// Unpacked is how many fragments of sections are in memory as they are.
func Unpacked(sections []Section) (count int) {
	for _, s := range sections {
		if s.fragments.Loose() {
			count += s.Len()
		}
	}
	return count
}
