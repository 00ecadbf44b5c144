package clip

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/docker/go-units"

	"clipfs/clip/archive"
)

const (
	// ledgerName is the file of the ledger.
	ledgerName = "fetched.json"
	// saveEvery is how much may be fetched before it is noted on disk: a kill forgets no more.
	saveEvery = 4 << 20
)

// ledger counts the bytes that GetClip sends, by the hour, the day and the month, and knows when the limit on them is
// reached. It is kept on disk, so that a restart is no way around the limit.
type ledger struct {
	dir    string
	limit  FetchLimit
	logger *slog.Logger

	// files orders the writing of the file. It guards the I/O itself, and nothing else.
	files sync.Mutex

	// mu guards the rest.
	mu      sync.Mutex
	counts  [periods]periodCount
	unsaved int64
	// bodies is how many are being read.
	bodies int
	// told is the start of the period for which it was logged that the limit is reached; failed, that a file could not
	// be written.
	told   time.Time
	failed bool
}

// periodCount is what was fetched since the start of a period.
type periodCount struct {
	Since time.Time `json:"since"`
	Bytes int64     `json:"bytes"`
}

// newLedger gives the ledger of a directory, which is empty for none, with what was noted before.
func newLedger(dir string, limit FetchLimit, logger *slog.Logger) *ledger {
	l := &ledger{dir: dir, limit: limit, logger: logger}
	if dir == "" {
		return l
	}
	err := l.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.Warn("what was fetched before is not known, and counted from now on", "error", err)
	}
	return l
}

// file is the path of the file.
func (l *ledger) file() string { return filepath.Join(l.dir, ledgerName) }

// load reads the file.
func (l *ledger) load() error {
	text, err := os.ReadFile(l.file())
	if err != nil {
		return err
	}
	var noted map[string]periodCount
	if err := json.Unmarshal(text, &noted); err != nil {
		return fmt.Errorf("%s: %w", l.file(), err)
	}
	for name, count := range noted {
		if p, err := ParsePeriod(name); err == nil && count.Bytes >= 0 {
			l.counts[p] = count
		}
	}
	return nil
}

// turnLocked begins the periods anew that are over.
func (l *ledger) turnLocked(now time.Time) {
	for p := range Period(periods) {
		if start := p.start(now); !l.counts[p].Since.Equal(start) {
			l.counts[p] = periodCount{Since: start}
		}
	}
}

// left gives how much may be fetched; where that is nothing, an ErrFetchLimit that says when there will be more.
func (l *ledger) left() (int64, error) {
	if l.limit.Bytes <= 0 {
		return math.MaxInt64, nil
	}
	now := time.Now()
	l.mu.Lock()
	l.turnLocked(now)
	count := l.counts[l.limit.Per]
	left := l.limit.Bytes - count.Bytes
	tell := left <= 0 && !l.told.Equal(count.Since)
	if tell {
		l.told = count.Since
	}
	l.mu.Unlock()
	if left > 0 {
		return left, nil
	}
	resumes := l.limit.Per.end(now)
	if tell {
		l.logger.Warn("fetch limit reached: only what is in the cache can be read", "limit", l.limit, "fetched", count.Bytes, "until", resumes)
	}
	return 0, fmt.Errorf("%w: %s of %s were fetched, more from %s on", archive.ErrFetchLimit, units.BytesSize(float64(count.Bytes)), l.limit,
		resumes.Format(time.RFC3339))
}

// add counts bytes that came.
func (l *ledger) add(n int64) {
	if n <= 0 {
		return
	}
	l.mu.Lock()
	l.turnLocked(time.Now())
	for p := range l.counts {
		l.counts[p].Bytes += n
	}
	l.unsaved += n
	due := l.unsaved >= saveEvery
	l.mu.Unlock()
	if due {
		l.save()
	}
}

// begin and end stand around the reading of a body. When none is read any more all is on disk.
func (l *ledger) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bodies++
}

func (l *ledger) end() {
	l.mu.Lock()
	l.bodies--
	due := l.bodies == 0 && l.unsaved > 0
	l.mu.Unlock()
	if due {
		l.save()
	}
}

// save writes the file. Where that fails the limit still holds until the next start.
func (l *ledger) save() {
	if l.dir == "" {
		return
	}
	l.files.Lock()
	defer l.files.Unlock()
	l.mu.Lock()
	noted := make(map[string]periodCount, periods)
	for p := range Period(periods) {
		noted[p.String()] = l.counts[p]
	}
	l.unsaved = 0
	l.mu.Unlock()
	err := l.write(noted)
	l.mu.Lock()
	tell := err != nil && !l.failed
	l.failed = err != nil
	l.mu.Unlock()
	if tell {
		l.logger.Warn("what was fetched is not noted on disk, so a restart would forget it", "error", err)
	}
}

// write replaces the file, so that it is there whole whenever the process ends.
func (l *ledger) write(noted map[string]periodCount) error {
	text, err := json.Marshal(noted)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return err
	}
	fresh := l.file() + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, l.file())
}

// fetched gives the counts.
func (l *ledger) fetched() Fetched {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turnLocked(now)
	f := Fetched{Hour: l.counts[PerHour].Bytes, Day: l.counts[PerDay].Bytes, Month: l.counts[PerMonth].Bytes, Limit: l.limit}
	if l.limit.Bytes > 0 && l.counts[l.limit.Per].Bytes >= l.limit.Bytes {
		f.Resumes = l.limit.Per.end(now)
	}
	return f
}

// Fetched is how many bytes GetClip has sent in the present hour, day and month.
func (l *Library) Fetched() Fetched { return l.ledger.fetched() }
