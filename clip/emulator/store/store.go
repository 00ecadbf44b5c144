package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ErrInUse says that another emulator has the directory.
var ErrInUse = errors.New("directory is in use by another emulator")

// Options of a Store. The zero value works.
type Options struct {
	// Log takes what is worth knowing and no caller is told; nil discards.
	Log *slog.Logger
}

// Store keeps streams. It is safe for concurrent use.
type Store struct {
	log *slog.Logger
	// dir is empty for a store in memory, which has no lock.
	dir  string
	lock *os.File
	// spare has memory for fragments that arrive.
	spare sync.Pool

	mu      sync.Mutex // mu guards streams
	streams []*Stream
}

// Open opens a store in a directory and makes that if need be; with an empty name it is in memory and begins empty.
// Errors are those of the file system and ErrInUse.
func Open(dir string, o Options) (*Store, error) {
	s := &Store{log: o.Log, dir: dir}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(s.root(), 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s.lock = lock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(fmt.Errorf("store %s: %w", dir, err), lock.Close())
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("store %s: %w", dir, err), lock.Close())
	}
	return s, nil
}

// root is the directory of the streams' directories.
func (s *Store) root() string { return filepath.Join(s.dir, "streams") }

// load finds the streams again, and removes what was being removed or written when the last emulator ended.
func (s *Store) load() error {
	entries, err := os.ReadDir(s.root())
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(s.root(), e.Name())
		if strings.HasPrefix(e.Name(), trashPrefix) {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			continue
		}
		if !e.IsDir() {
			continue
		}
		st := &Stream{log: s.log, forget: s.forget, spare: &s.spare, dir: path}
		if err := st.load(); err != nil {
			if errors.Is(err, os.ErrNotExist) {
				s.log.Warn("directory without a stream", "path", path)
				continue
			}
			return err
		}
		s.streams = append(s.streams, st)
	}
	return nil
}

// Streams gives the streams that were found or made, in no order.
func (s *Store) Streams() []*Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Stream(nil), s.streams...)
}

// Create makes a stream that has no fragments. Name and creation time, to the millisecond, tell it from others; the
// record is what Record gives after a restart.
func (s *Store) Create(name string, created time.Time, record []byte) (*Stream, error) {
	st := &Stream{log: s.log, forget: s.forget, spare: &s.spare}
	if s.dir != "" {
		st.dir = filepath.Join(s.root(), dirName(name, created))
		if err := os.MkdirAll(st.dir, 0o700); err != nil {
			return nil, fmt.Errorf("store: stream %s: %w", name, err)
		}
	}
	if err := st.Save(record); err != nil {
		return nil, err
	}
	if s.dir != "" {
		if err := syncDir(s.root()); err != nil {
			return nil, fmt.Errorf("store: stream %s: %w", name, err)
		}
	}
	s.mu.Lock()
	s.streams = append(s.streams, st)
	s.mu.Unlock()
	return st, nil
}

// forget leaves out a stream that was removed.
func (s *Store) forget(gone *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = slices.DeleteFunc(s.streams, func(o *Stream) bool { return o == gone })
}

// dirName is the name of a stream's directory. A stream may be called ".." and have a name longer than a file's, so its
// name is cut and what is left made up for by a hash.
func dirName(name string, created time.Time) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%.100s.%d.%x", name, created.UnixMilli(), sum[:8])
}

// Close gives the directory free. Streams must not be used any more.
func (s *Store) Close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}
