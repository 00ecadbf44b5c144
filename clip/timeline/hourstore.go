package timeline

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline/packed"
)

const (
	// maxHourStore is how much of the disk the hours may take; what was written longest ago goes at the start, and each
	// time that tidyEvery more was written.
	maxHourStore = 256 << 20
	tidyEvery    = 16 << 20
	// maxDayFile bounds what is read of one day, and of one record unpacked.
	maxDayFile = 64 << 20
	// lookedName is the file that says when late arrivals were last looked for.
	lookedName = "looked"
)

// hourStore keeps hours of the past on disk, so that the next mount asks for little again. Each stream has a directory, named
// by a hash of its ARN: a stream that is made later under the same name has another. Each day (UTC) has a file in it, to
// which records are appended, each a gzip member of JSON, whose fragments are packed (package packed). A record that is damaged, or was cut off by a crash, ends what is
// read of its file.
type hourStore struct {
	dir    string
	by     archive.Selector
	logger *slog.Logger
	// members are made by it.
	members packed.Members

	// most and every are maxHourStore and tidyEvery, but for tests.
	most, every int64

	// files keeps a file from being read while it is written. It guards the I/O itself, and written: how much was written
	// since it was last tidied up.
	files   sync.Mutex
	written int64
}

// hourRecord is an hour on disk. A later record of an hour replaces an earlier one.
type hourRecord struct {
	Hour int64 `json:"hour"`
	// Minutes are those that are known, a bit each; none stands for all.
	Minutes   minutes   `json:"minutes,omitempty"`
	Asked     time.Time `json:"asked"`
	Forgotten bool      `json:"forgotten,omitempty"`
	packed.Stored
}

// newHourStore gives a store in a directory, which is made when something is kept, and removes what is too much.
func newHourStore(dir string, by archive.Selector, logger *slog.Logger) *hourStore {
	s := &hourStore{dir: dir, by: by, logger: logger, most: maxHourStore, every: tidyEvery}
	if dir != "" {
		s.tidy()
	}
	return s
}

func (s *hourStore) tidy() {
	if err := s.prune(); err != nil {
		s.logger.Warn("remembered hours not tidied up", "directory", s.dir, "error", err)
	}
}

// prune removes the files written longest ago until the rest is within bounds.
func (s *hourStore) prune() error {
	type file struct {
		path string
		info fs.FileInfo
	}
	var files []file
	var total int64
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		files = append(files, file{path, info})
		total += info.Size()
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	for _, f := range files {
		if total <= s.most {
			break
		}
		err = errors.Join(err, os.Remove(f.path))
		total -= f.info.Size()
	}
	return err
}

// keeps reports whether hours of a stream can be kept.
func (s *hourStore) keeps(stream archive.Stream) bool { return s.dir != "" && stream.ARN != "" }

func (s *hourStore) folder(stream archive.Stream) string {
	sum := sha256.Sum256([]byte(stream.ARN))
	return filepath.Join(s.dir, s.by.String()+"-"+hex.EncodeToString(sum[:16]))
}

// dayFile is the file of the day in which an hour lies.
func (s *hourStore) dayFile(stream archive.Stream, hour int64) string {
	return filepath.Join(s.folder(stream), time.Unix(hour, 0).UTC().Format(time.DateOnly)+".json.gz")
}

// put keeps hours of one day. What cannot be kept is logged: it will be asked again.
func (s *hourStore) put(stream archive.Stream, records ...hourRecord) {
	if !s.keeps(stream) || len(records) == 0 {
		return
	}
	if err := s.append(s.dayFile(stream, records[0].Hour), records); err != nil {
		s.logger.Warn("hour not remembered on disk", "stream", stream.Name, "error", err)
	}
}

// append adds a member to a file, in one write, so that it is there whole or is seen to be cut.
func (s *hourStore) append(path string, records []hourRecord) error {
	member, err := s.members.Encode(records)
	if err != nil {
		return err
	}
	s.files.Lock()
	defer s.files.Unlock()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(member)
	if s.written += int64(len(member)); s.written >= s.every {
		s.written = 0
		s.tidy()
	}
	return errors.Join(err, f.Close())
}

// day gives the hours that are kept of the day in which an hour lies.
func (s *hourStore) day(stream archive.Stream, hour int64) map[int64]bucket {
	if !s.keeps(stream) {
		return nil
	}
	path := s.dayFile(stream, hour)
	s.files.Lock()
	defer s.files.Unlock()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	hours := make(map[int64]bucket)
	if err == nil {
		err = errors.Join(readDay(f, hours), f.Close())
	}
	if err != nil {
		// What is behind a damaged record would not be found either, so it is no use to append to this file.
		s.logger.Warn("remembered hours are damaged, the rest of the day is asked again", "file", path, "error", err)
		if err := os.Remove(path); err != nil {
			s.logger.Warn("damaged file not removed", "file", path, "error", err)
		}
	}
	return hours
}

// readDay reads members into hours until they end or one is damaged. Nothing is taken of a damaged one.
func readDay(r io.Reader, hours map[int64]bucket) error {
	in := bufio.NewReader(io.LimitReader(r, maxDayFile))
	z, err := gzip.NewReader(in)
	for ; err == nil; err = z.Reset(in) {
		z.Multistream(false)
		text, err := io.ReadAll(io.LimitReader(z, maxDayFile))
		if err != nil {
			return err
		}
		var records []hourRecord
		if err := json.Unmarshal(text, &records); err != nil {
			return err
		}
		for _, r := range records {
			b, err := r.bucket()
			if err != nil {
				return err
			}
			delete(hours, r.Hour)
			if !r.Forgotten {
				hours[r.Hour] = b
			}
		}
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func (b bucket) record(hour int64) hourRecord {
	r := hourRecord{Hour: hour, Asked: b.asked, Stored: b.fragments.Stored()}
	if b.known != allMinutes {
		r.Minutes = b.known
	}
	return r
}

// bucket gives what was stored. Only hours of the past are. packed.ErrImpossible where no archive could have listed it.
func (r hourRecord) bucket() (bucket, error) {
	fragments, err := r.List(maxBucketItems)
	return bucket{fragments: fragments, asked: r.Asked, settled: true, known: cmp.Or(r.Minutes&allMinutes, allMinutes)}, err
}

// caughtUp is when late arrivals were last looked for; the zero time if that is not known.
func (s *hourStore) caughtUp(stream archive.Stream) time.Time {
	if !s.keeps(stream) {
		return time.Time{}
	}
	text, err := os.ReadFile(filepath.Join(s.folder(stream), lookedName))
	if err != nil {
		return time.Time{}
	}
	at, _ := time.Parse(time.RFC3339Nano, string(text)) // zero where it is damaged
	return at
}

// setCaughtUp keeps when late arrivals were last looked for.
func (s *hourStore) setCaughtUp(stream archive.Stream, t time.Time) {
	if !s.keeps(stream) {
		return
	}
	folder := s.folder(stream)
	temporary := filepath.Join(folder, lookedName+".new")
	err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(temporary, []byte(t.UTC().Format(time.RFC3339Nano)), 0o600))
	if err == nil {
		err = os.Rename(temporary, filepath.Join(folder, lookedName))
	}
	if err != nil {
		s.logger.Warn("time of the last look not remembered", "stream", stream.Name, "error", err)
	}
}

func (s *hourStore) forget(stream archive.Stream) {
	if !s.keeps(stream) {
		return
	}
	if err := os.RemoveAll(s.folder(stream)); err != nil {
		s.logger.Warn("remembered hours not removed", "stream", stream.Name, "error", err)
	}
}
