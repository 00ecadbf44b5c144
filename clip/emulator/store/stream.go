package store

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"clipfs/clip/emulator/footage"
)

// ErrRemoved says that the stream was removed.
var ErrRemoved = errors.New("stream was removed")

// Stream is the fragments that were pushed into one stream, and a footage.Source of them. It is safe for concurrent use.
type Stream struct {
	log *slog.Logger
	// forget takes the stream out of its store's list.
	forget func(*Stream)
	dir    string // empty in memory
	// spare has memory for fragments that arrive; it is the store's.
	spare *sync.Pool

	mu     sync.Mutex // mu guards what follows
	record []byte
	gone   bool
	// last is what Reserve gave last.
	last stamp
	// byProducer and byServer hold the same fragments in two orders. The fragments do not change.
	byProducer, byServer []*footage.Fragment
	// passing is what Pass holds, by server time.
	passing []*footage.Fragment
}

var _ footage.Source = (*Stream)(nil)

// Record gives what Create or Save was given last.
func (s *Stream) Record() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record
}

// Save keeps another record. ErrRemoved if the stream was removed.
func (s *Stream) Save(record []byte) error {
	if s.removed() {
		return ErrRemoved
	}
	if s.dir != "" {
		if err := writeFile(s.dir, recordFile, record); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	s.mu.Lock()
	s.record = record
	s.mu.Unlock()
	return nil
}

// Fragments implements footage.Source. Their media is loaded when it is asked for, not here.
func (s *Stream) Fragments(sel footage.Selector, from, to time.Time) []footage.Fragment {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.byProducer
	if sel == footage.ByServer {
		all = s.byServer
	}
	var found []footage.Fragment
	for _, f := range all[firstAt(all, sel, from):] {
		if f.Time(sel).After(to) {
			break
		}
		found = append(found, *f)
	}
	return found
}

// firstAt gives the place of the first of some fragments, in the order of a clock, that is not before a time.
func firstAt(all []*footage.Fragment, sel footage.Selector, at time.Time) int {
	return sort.Search(len(all), func(i int) bool { return !all[i].Time(sel).Before(at) })
}

// Numbered gives the fragments of some numbers.
func (s *Stream) Numbered(numbers []string) []footage.Fragment {
	wanted := make(map[string]bool, len(numbers))
	for _, n := range numbers {
		wanted[n] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []footage.Fragment
	for _, f := range s.byServer {
		if wanted[f.Number] {
			found = append(found, *f)
		}
	}
	return found
}

// Len gives how many fragments there are.
func (s *Stream) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byServer)
}

// Reserve gives the fragment that begins to arrive now its number and server time: numbers increase with ingestion even
// where the clock goes back. ErrRemoved if the stream was removed.
func (s *Stream) Reserve(now time.Time) (number string, server time.Time, err error) {
	server = now.UTC().Truncate(time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return "", time.Time{}, ErrRemoved
	}
	s.last = stamp{ms: max(s.last.ms, server.UnixMilli()), index: s.last.index + 1}
	return s.last.number(), server, nil
}

// Receive begins to take in a fragment, which has to be added or dropped in the end. ErrRemoved if the stream was removed, and
// ErrNotKept.
func (s *Stream) Receive() (*Incoming, error) {
	in, err := newIncoming(s.dir, s.spare)
	if err != nil && s.removed() {
		return nil, ErrRemoved
	}
	return in, err
}

// Add keeps a fragment that has come: when it returns, Fragments gives it and a restart does not lose it. ErrRemoved if the
// stream was removed, and ErrNotKept.
func (s *Stream) Add(number string, producer, server time.Time, length time.Duration, in *Incoming) error {
	defer in.Drop()
	e := entry{number: number, producer: producer, server: server, length: length, size: in.size}
	open, err := s.place(e, in)
	if err != nil {
		if s.removed() {
			return ErrRemoved
		}
		return fmt.Errorf("store: fragment %s: %w: %w", number, ErrNotKept, err)
	}
	f := e.fragment(open)
	s.mu.Lock()
	if !s.gone {
		s.insertLocked(&f)
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	if s.dir != "" {
		_ = os.Remove(filepath.Join(s.dir, e.fileName())) // Another stream may have the directory by now.
	}
	return ErrRemoved
}

// place puts a fragment that has come where it stays, and gives what opens it.
func (s *Stream) place(e entry, in *Incoming) (open func() ([]byte, error), err error) {
	if s.removed() {
		return nil, ErrRemoved
	}
	if in.file == nil {
		in.done = true
		in.memory.trim()
		return func() ([]byte, error) { return in.memory.bytes(), nil }, nil
	}
	if err := placeFile(in.file, s.dir, e.fileName()); err != nil {
		return nil, err
	}
	in.done = true
	return s.opener(e), nil
}

// removed reports whether the stream was removed.
func (s *Stream) removed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// opener reads the file of an entry whenever its media is asked for.
func (s *Stream) opener(e entry) func() ([]byte, error) {
	path := filepath.Join(s.dir, e.fileName())
	return func() ([]byte, error) {
		data, err := os.ReadFile(path)
		if err == nil && int64(len(data)) != e.size {
			err = fmt.Errorf("%s: %d bytes: %w", path, len(data), footage.ErrInvalidMedia)
		}
		return data, err
	}
}

// insertLocked puts a fragment where it belongs in both orders: the end, for one that is not late.
func (s *Stream) insertLocked(f *footage.Fragment) {
	insert := func(all []*footage.Fragment, sel footage.Selector) []*footage.Fragment {
		at, _ := slices.BinarySearchFunc(all, f, func(a, b *footage.Fragment) int { return compare(sel, a, b) })
		return slices.Insert(all, at, f)
	}
	s.byProducer = insert(s.byProducer, footage.ByProducer)
	s.byServer = insert(s.byServer, footage.ByServer)
}

// compare orders fragments by a clock, and where that is the same by number.
func compare(sel footage.Selector, a, b *footage.Fragment) int {
	return cmp.Or(a.Time(sel).Compare(b.Time(sel)), strings.Compare(a.Number, b.Number))
}

// Expire removes the fragments whose server time is before a time.
func (s *Stream) Expire(before time.Time) error {
	s.mu.Lock()
	n := firstAt(s.byServer, footage.ByServer, before)
	old := slices.Clone(s.byServer[:n])
	if n > 0 {
		s.byServer = slices.Delete(s.byServer, 0, n)
		s.byProducer = slices.DeleteFunc(s.byProducer, func(f *footage.Fragment) bool { return f.Server.Before(before) })
	}
	s.mu.Unlock()
	if s.dir == "" {
		return nil
	}
	var errs []error
	for _, f := range old {
		err := os.Remove(filepath.Join(s.dir, entryOf(f).fileName()))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Remove removes the stream with all it has. A crash in the middle removes it too, or leaves it whole.
func (s *Stream) Remove() error {
	s.mu.Lock()
	s.gone = true
	s.byProducer, s.byServer, s.passing = nil, nil, nil
	s.mu.Unlock()
	s.forget(s)
	if s.dir == "" {
		return nil
	}
	trash := filepath.Join(filepath.Dir(s.dir), trashPrefix+filepath.Base(s.dir))
	if err := os.Rename(s.dir, trash); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := errors.Join(syncDir(filepath.Dir(s.dir)), os.RemoveAll(trash)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// load reads the record and the index of a stream from its directory.
func (s *Stream) load() error {
	record, err := os.ReadFile(filepath.Join(s.dir, recordFile))
	if err != nil {
		return err
	}
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.record = record
	s.mu.Unlock()
	var found []*footage.Fragment
	var last stamp
	for _, file := range files {
		if strings.HasPrefix(file.Name(), partPrefix) {
			if err := os.Remove(filepath.Join(s.dir, file.Name())); err != nil {
				return err
			}
			continue
		}
		if file.Name() == recordFile {
			continue
		}
		e, err := s.loadEntry(file)
		if err != nil {
			s.log.Warn("fragment left out", "err", err)
			continue
		}
		f := e.fragment(s.opener(e))
		found = append(found, &f)
		at, _ := stampOf(e.number) // Read before.
		last = stamp{ms: max(last.ms, at.ms), index: max(last.index, at.index)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = last
	s.byProducer, s.byServer = found, slices.Clone(found)
	slices.SortFunc(s.byProducer, func(a, b *footage.Fragment) int { return compare(footage.ByProducer, a, b) })
	slices.SortFunc(s.byServer, func(a, b *footage.Fragment) int { return compare(footage.ByServer, a, b) })
	return nil
}

// loadEntry gives the entry of a file that is whole.
func (s *Stream) loadEntry(file os.DirEntry) (entry, error) {
	e, err := parseEntry(file.Name())
	if err != nil {
		return entry{}, err
	}
	info, err := file.Info()
	if err != nil {
		return entry{}, err
	}
	if !info.Mode().IsRegular() || info.Size() != e.size {
		return entry{}, fmt.Errorf("%s: %d bytes", file.Name(), info.Size())
	}
	return e, nil
}
