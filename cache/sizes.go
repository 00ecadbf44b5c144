package cache

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// maxSizes is how many sizes are kept.
	maxSizes = 100_000
	// maxSizeLine bounds a line of the file: key, size of at most 19 digits, checksum, two blanks, line feed.
	maxSizeLine = maxKey + 19 + 8 + 3
	// slackLines is how many lines the file may have beyond twice those that count before it is written anew.
	slackLines = 1024
)

// sizeIndex is a table of exact sizes that is kept in a file to which lines are only added:
//
//	KEY SIZE CHECKSUM
//
// The last line of a key counts. A line whose checksum (CRC-32C of what stands before it, in hex) does not fit is
// ignored: a wrong size would corrupt what is copied, a missing one costs a fetch. So neither a line that was cut off
// by a crash nor one that was written after it does harm. When too many lines no longer count the file is written anew
// under another name and renamed.
type sizeIndex struct {
	logger *slog.Logger
	path   string
	// begin has the file read; loaded is closed when it was. Who asks for a size waits for that.
	begin  func()
	loaded chan struct{}

	// mu guards the following.
	mu      sync.Mutex
	known   *simplelru.LRU[Key, int64]
	pending []byte // lines to be written
	lines   int    // how many lines the file has once pending is written
	closed  bool
	// busy is not nil while somebody writes, and closed when he has done so. The writer alone uses what follows.
	busy chan struct{}
	file *os.File
	// torn: the file may end in the middle of a line.
	torn bool
}

// openSizes opens the file, which need not exist. It is read in the background once begin is called, or a size is asked
// for. At most limit sizes are kept.
func openSizes(path string, limit int, logger *slog.Logger) (*sizeIndex, error) {
	known, err := simplelru.NewLRU[Key, int64](limit, nil)
	if err != nil {
		return nil, err
	}
	s := &sizeIndex{logger: logger, path: path, known: known, loaded: make(chan struct{})}
	// What a crash in the middle of a compaction left.
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("index of sizes: %w", err)
	}
	if s.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, fmt.Errorf("index of sizes: %w", err)
	}
	s.begin = sync.OnceFunc(func() { go s.load() })
	return s, nil
}

// await waits until the file was read.
func (s *sizeIndex) await() {
	s.begin()
	<-s.loaded
}

// load reads the file. What cannot be read is not known.
func (s *sizeIndex) load() {
	defer close(s.loaded)
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

// readSizes yields the lines of a file of sizes that are in order, oldest first. It gives the number of all lines, and
// whether the last one has no end. It never fails on what it reads, only on reading.
func readSizes(r io.Reader, yield func(Key, int64)) (lines int, torn bool, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	long := false // inside a line that is longer than the buffer
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = true
			continue
		case errors.Is(err, io.EOF):
			return lines, long || len(line) > 0, nil
		case err != nil:
			return lines, true, err
		}
		lines++
		if key, n, ok := parseSizeLine(line[:len(line)-1]); ok && !long {
			yield(key, n)
		}
		long = false
	}
}

// castagnoli gives CRC-32C (RFC 3720, 12.1), which processors have an instruction for.
func castagnoli(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }

// appendSizeLine adds a line to p.
func appendSizeLine(p []byte, key Key, n int64) []byte {
	start := len(p)
	p = append(p, key...)
	p = append(p, ' ')
	p = strconv.AppendInt(p, n, 10)
	return fmt.Appendf(p, " %08x\n", castagnoli(p[start:]))
}

// parseSizeLine reads a line without its line feed; ok is false if it is not just as appendSizeLine writes it.
func parseSizeLine(line []byte) (key Key, n int64, ok bool) {
	if len(line) >= maxSizeLine {
		return "", 0, false
	}
	fields := strings.Split(string(line), " ")
	if len(fields) != 3 || !Key(fields[0]).Valid() {
		return "", 0, false
	}
	body := line[:len(fields[0])+1+len(fields[1])]
	if n, ok = parseDecimal(fields[1]); !ok || fields[2] != fmt.Sprintf("%08x", castagnoli(body)) {
		return "", 0, false
	}
	return Key(fields[0]), n, true
}

// size gives the size of a key.
func (s *sizeIndex) size(key Key) (int64, bool) {
	s.await()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Get(key)
}

// len gives how many sizes are known by now.
func (s *sizeIndex) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Len()
}

// note keeps a size. Whoever finds nobody writing writes, his own line and those that others add meanwhile, so no lock
// is held over I/O.
func (s *sizeIndex) note(key Key, n int64) {
	if !key.Valid() || n < 0 {
		return
	}
	s.await()
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.known.Get(key); ok && old == n {
		return
	}
	s.known.Add(key, n)
	if s.closed {
		return
	}
	s.pending = appendSizeLine(s.pending, key, n)
	s.lines++
	if s.busy == nil {
		s.flushLocked()
	}
}

// flushLocked writes what is pending until nothing is, with mu unlocked while it writes.
func (s *sizeIndex) flushLocked() {
	s.busy = make(chan struct{})
	for len(s.pending) > 0 {
		p := s.pending
		s.pending = nil
		var all []byte
		if s.lines > 2*s.known.Len()+slackLines {
			all = s.snapshotLocked()
			s.lines = s.known.Len()
		}
		s.mu.Unlock()
		if err := s.write(p, all); err != nil {
			// They are still known until the process ends.
			s.logger.Warn("sizes not kept", "path", s.path, "error", err)
		}
		s.mu.Lock()
	}
	close(s.busy)
	s.busy = nil
}

// snapshotLocked gives the lines that count, least recently used first.
func (s *sizeIndex) snapshotLocked() []byte {
	var p []byte
	for _, key := range s.known.Keys() {
		n, _ := s.known.Peek(key)
		p = appendSizeLine(p, key, n)
	}
	return p
}

// write adds the lines p to the file. If all is not empty it has every line that counts, those of p too, and becomes the
// new file; if that fails the old one goes on.
func (s *sizeIndex) write(p, all []byte) error {
	if len(all) > 0 {
		err := s.replace(all)
		if err == nil {
			return nil
		}
		s.logger.Warn("index of sizes not written anew", "path", s.path, "error", err)
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
func (s *sizeIndex) replace(p []byte) error {
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
func (s *sizeIndex) close() error {
	s.await()
	s.mu.Lock()
	s.closed = true
	busy := s.busy
	s.mu.Unlock()
	if busy != nil {
		<-busy
	}
	return s.file.Close()
}
