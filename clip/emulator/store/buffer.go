package store

import (
	"slices"
	"time"

	"clipfs/clip/emulator/footage"
)

// How long and how much of a stream that keeps nothing can still be read, and one fragment at least. The service holds 200 MB (API
// reference, CreateStream, DataRetentionInHours), which machines that test may not have.
const (
	bufferFor  = 5 * time.Minute
	bufferSize = 16 << 20
)

// Pass holds a fragment for those that read the stream now, in memory, until it is too old or there is too much: that of a stream which
// keeps nothing.
func (s *Stream) Pass(number string, producer, server time.Time, length time.Duration, in *Incoming) {
	data, err := in.take()
	if err != nil {
		s.log.Warn("fragment not held for its readers", "fragment", number, "err", err)
		return
	}
	e := entry{number: number, producer: producer, server: server, length: length, size: in.size}
	f := e.fragment(func() ([]byte, error) { return data, nil })
	s.mu.Lock()
	defer s.mu.Unlock()
	at, _ := slices.BinarySearchFunc(s.passing, &f, func(a, b *footage.Fragment) int { return compare(footage.ByServer, a, b) })
	s.passing = slices.Insert(s.passing, at, &f)
	var size int64
	for i, old := range slices.Backward(s.passing) {
		if size += old.Size; i < len(s.passing)-1 && size > bufferSize || old.Server.Before(server.Add(-bufferFor)) {
			s.passing = slices.Delete(s.passing, 0, i+1)
			break
		}
	}
}

// Passing gives what Pass holds at a time, in the order of server times.
func (s *Stream) Passing(now time.Time) (found []footage.Fragment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.passing {
		if !f.Server.Before(now.Add(-bufferFor)) {
			found = append(found, *f)
		}
	}
	return found
}
