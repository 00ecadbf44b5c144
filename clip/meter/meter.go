// Package meter counts the bytes and images that the archive sends, by periods of the calendar, and enforces a limit on them.
package meter

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
	// meterFile keeps the counts from mount to mount.
	meterFile = "fetched.json"
	// saveEvery is how many bytes may be fetched before the counts are saved: a kill forgets no more.
	saveEvery = 4 << 20
)

// Meter counts the bytes that GetClip and GetImages send, and images, by hour, day and month, and enforces the limit on them. The counts are kept on
// disk, so that a restart does not lift the limit.
type Meter struct {
	dir    string
	limit  Limit
	logger *slog.Logger

	// files orders the writing of the file. It guards the I/O itself, and nothing else.
	files sync.Mutex

	// mu guards the rest.
	mu      sync.Mutex
	counts  [periods]periodCount
	unsaved int64
	// bodies is how many are being read.
	bodies int
	// told is the start of the period whose limit was logged as reached; failed says that the file could not be written.
	told   time.Time
	failed bool
}

// periodCount is what was fetched since the start of a period.
type periodCount struct {
	Since  time.Time `json:"since"`
	Bytes  int64     `json:"bytes"`
	Images int64     `json:"images,omitempty"`
}

// New loads the counts of a directory; "" keeps them in memory.
func New(dir string, limit Limit, logger *slog.Logger) *Meter {
	m := &Meter{dir: dir, limit: limit, logger: logger}
	if dir == "" {
		return m
	}
	err := m.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.Warn("what was fetched before is not known, and counted from now on", "error", err)
	}
	return m
}

func (m *Meter) file() string { return filepath.Join(m.dir, meterFile) }

func (m *Meter) load() error {
	text, err := os.ReadFile(m.file())
	if err != nil {
		return err
	}
	var saved map[string]periodCount
	if err := json.Unmarshal(text, &saved); err != nil {
		return fmt.Errorf("%s: %w", m.file(), err)
	}
	for name, count := range saved {
		if p, err := ParsePeriod(name); err == nil && count.Bytes >= 0 && count.Images >= 0 {
			m.counts[p] = count
		}
	}
	return nil
}

// turnLocked starts a new count for each period that is over.
func (m *Meter) turnLocked(now time.Time) {
	for p := range Period(periods) {
		if start := p.start(now); !m.counts[p].Since.Equal(start) {
			m.counts[p] = periodCount{Since: start}
		}
	}
}

// Left gives how many bytes may still be fetched: at least 1, else an ErrFetchLimit that says when there will be more.
func (m *Meter) Left() (int64, error) {
	if m.limit.Bytes <= 0 {
		return math.MaxInt64, nil
	}
	now := time.Now()
	m.mu.Lock()
	m.turnLocked(now)
	count := m.counts[m.limit.Per]
	left := m.limit.Bytes - count.Bytes
	tell := left <= 0 && !m.told.Equal(count.Since)
	if tell {
		m.told = count.Since
	}
	m.mu.Unlock()
	if left > 0 {
		return left, nil
	}
	resumes := m.limit.Per.end(now)
	if tell {
		m.logger.Warn("fetch limit reached: only what is in the cache can be read", "limit", m.limit, "fetched", count.Bytes, "until", resumes)
	}
	return 0, fmt.Errorf("%w: %s of %s were fetched, more from %s on", archive.ErrFetchLimit, units.BytesSize(float64(count.Bytes)), m.limit,
		resumes.Format(time.RFC3339))
}

// Add counts bytes that came.
func (m *Meter) Add(n int64) { m.Count(n, 0) }

// Count counts bytes and images that came.
func (m *Meter) Count(bytes, images int64) {
	if bytes <= 0 {
		return
	}
	m.mu.Lock()
	m.turnLocked(time.Now())
	for p := range m.counts {
		m.counts[p].Bytes += bytes
		m.counts[p].Images += images
	}
	m.unsaved += bytes
	due := m.unsaved >= saveEvery
	m.mu.Unlock()
	if due {
		m.save()
	}
}

// Begin and End stand around the reading of a body. When no body is read, all counts are on disk.
func (m *Meter) Begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bodies++
}

// End is the other of the two.
func (m *Meter) End() {
	m.mu.Lock()
	m.bodies--
	due := m.bodies == 0 && m.unsaved > 0
	m.mu.Unlock()
	if due {
		m.save()
	}
}

// save writes the counts. If that fails the limit still holds until the next start.
func (m *Meter) save() {
	if m.dir == "" {
		return
	}
	m.files.Lock()
	defer m.files.Unlock()
	m.mu.Lock()
	counts := make(map[string]periodCount, periods)
	for p := range Period(periods) {
		counts[p.String()] = m.counts[p]
	}
	m.unsaved = 0
	m.mu.Unlock()
	err := m.write(counts)
	m.mu.Lock()
	tell := err != nil && !m.failed
	m.failed = err != nil
	m.mu.Unlock()
	if tell {
		m.logger.Warn("what was fetched is not noted on disk, so a restart would forget it", "error", err)
	}
}

// write replaces the file, which is therefore whole whenever the process ends.
func (m *Meter) write(counts map[string]periodCount) error {
	text, err := json.Marshal(counts)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return err
	}
	fresh := m.file() + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, m.file())
}

// Fetched gives what has come.
func (m *Meter) Fetched() Fetched {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turnLocked(now)
	hour, day, month := m.counts[PerHour], m.counts[PerDay], m.counts[PerMonth]
	f := Fetched{
		Hour: hour.Bytes, Day: day.Bytes, Month: month.Bytes, HourImages: hour.Images, DayImages: day.Images, MonthImages: month.Images, Limit: m.limit,
	}
	if m.limit.Bytes > 0 && m.counts[m.limit.Per].Bytes >= m.limit.Bytes {
		f.Resumes = m.limit.Per.end(now)
	}
	return f
}
