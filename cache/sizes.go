package cache

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"

	"clipfs/cache/disk"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// maxSizes is how many sizes are kept.
	maxSizes = 100_000
	// slackLines is how many lines the file may have beyond twice those that count before it is rewritten.
	slackLines = 1024
)

// sizes is a table of exact sizes that is kept in a file to which lines are only added:
//
//	KEY SIZE CHECKSUM
//
// The last line of a key counts. A line whose checksum (CRC-32C of what stands before it, in hex) does not fit is
// ignored: a wrong size would corrupt what is copied, a missing one costs a fetch. So neither a line that was cut off
// by a crash nor one that was written after it does harm. When too many lines no longer count, the file is rewritten under
// another name and renamed.
type sizes struct {
	logger *slog.Logger
	path   string
	// load reads the file, once. Asking for a size waits for that.
	load func()

	// mu guards the following.
	mu      sync.Mutex
	known   *simplelru.LRU[Key, int64]
	pending []byte // lines to be written
	lines   int    // how many lines the file has once pending is written
	closed  bool
	// busy is not nil while a caller writes, and closed when it has written. It alone uses what follows.
	busy chan struct{}
	file *os.File
	// torn: the file may end in the middle of a line.
	torn bool
}

// openSizes opens the file, which need not exist. It is read by load, or when a size is asked for. At most limit sizes
// are kept.
func openSizes(path string, limit int, logger *slog.Logger) (*sizes, error) {
	known, err := simplelru.NewLRU[Key, int64](limit, nil)
	if err != nil {
		return nil, err
	}
	s := &sizes{logger: logger, path: path, known: known}
	// What a crash in the middle of a compaction left.
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("index of sizes: %w", err)
	}
	if s.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, fmt.Errorf("index of sizes: %w", err)
	}
	s.load = sync.OnceFunc(s.read)
	return s, nil
}

// read reads the file. What cannot be read is not known.
func (s *sizes) read() {
	lines, torn, err := readSizes(s.file, func(key Key, n int64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.known.Add(key, n)
	})
	if err != nil {
		s.logger.Warn("index of sizes not read to its end", "path", s.path, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines, s.torn = lines, torn
}

// readSizes yields the valid lines of a file of sizes, oldest first. It returns the number of all lines, and whether the
// last one has no end. It fails only on reading.
func readSizes(r io.Reader, yield func(Key, int64)) (lines int, torn bool, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return lines, line != "", nil
		}
		if err != nil {
			return lines, true, err
		}
		lines++
		if key, n, ok := parseSizeLine(line); ok {
			yield(key, n)
		}
	}
}

func appendSizeLine(p []byte, key Key, n int64) []byte {
	start := len(p)
	p = strconv.AppendInt(append(append(p, key...), ' '), n, 10)
	return fmt.Appendf(p, " %08x\n", disk.Castagnoli(0, p[start:]))
}

// parseSizeLine reads a line; ok is false if it is not just as appendSizeLine writes it.
func parseSizeLine(line string) (key Key, n int64, ok bool) {
	fields := strings.Split(line, " ")
	if len(fields) != 3 {
		return "", 0, false
	}
	key = Key(fields[0])
	n, err := strconv.ParseInt(fields[1], 10, 64)
	return key, n, err == nil && n >= 0 && key.Valid() && line == string(appendSizeLine(nil, key, n))
}

func (s *sizes) size(key Key) (int64, bool) {
	s.load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Get(key)
}

func (s *sizes) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Len()
}

// note keeps a size. The first caller that finds no other writing writes, its own line and those that others add
// meanwhile, so no lock is held over I/O.
func (s *sizes) note(key Key, n int64) {
	if !key.Valid() || n < 0 {
		return
	}
	s.load()
	if !s.add(key, n) {
		return
	}
	for p, all := s.next(); len(p) > 0; p, all = s.next() {
		if err := s.write(p, all); err != nil {
			// They are still known until the process ends.
			s.logger.Warn("sizes not kept", "path", s.path, "error", err)
		}
	}
}

// add adds a size to what is to be written. It reports whether the caller has to write, until next returns nothing.
func (s *sizes) add(key Key, n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.known.Get(key)
	s.known.Add(key, n)
	if ok && old == n || s.closed {
		return false
	}
	s.pending = appendSizeLine(s.pending, key, n)
	s.lines++
	if s.busy != nil {
		return false
	}
	s.busy = make(chan struct{})
	return true
}

// next returns the lines to be written next, and every line that counts if the file is to be rewritten. None ends the
// caller's writing.
func (s *sizes) next() (p, all []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, s.pending = s.pending, nil
	if len(p) == 0 {
		close(s.busy)
		s.busy = nil
	} else if s.lines > 2*s.known.Len()+slackLines {
		all = s.snapshotLocked()
		s.lines = s.known.Len()
	}
	return p, all
}

func (s *sizes) snapshotLocked() []byte {
	var p []byte
	for _, key := range s.known.Keys() {
		n, _ := s.known.Peek(key)
		p = appendSizeLine(p, key, n)
	}
	return p
}

// write adds the lines p to the file. If all is not empty it has every line that counts, those of p too, and becomes the
// new file; if that fails the old one goes on.
func (s *sizes) write(p, all []byte) error {
	if len(all) > 0 {
		err := s.replace(all)
		if err == nil {
			return nil
		}
		s.logger.Warn("index of sizes not rewritten", "path", s.path, "error", err)
	}
	if s.torn {
		p = append([]byte{'\n'}, p...)
	}
	_, err := s.file.Write(p)
	s.torn = err != nil
	return err
}

// replace puts a file with these lines in the place of the present one. It is synced first, so that not even a power
// failure leaves less than there was before.
func (s *sizes) replace(p []byte) error {
	name := s.path + ".new"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(p); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(name, s.path)
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(name))
	}
	_ = s.file.Close() // what it had is in the new one
	s.file, s.torn = f, false
	return nil
}

// close waits until everything is written and closes the file. Sizes can still be asked for.
func (s *sizes) close() error {
	s.load()
	s.mu.Lock()
	s.closed = true
	busy := s.busy
	s.mu.Unlock()
	if busy != nil {
		<-busy
	}
	return s.file.Close()
}
