package emulator

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"clipfs/clip/emulator/footage"
)

// StreamName is the name of a stream: 1 to 256 characters of [a-zA-Z0-9_.-] (API reference, CreateStream).
type StreamName string

const (
	maxStreamName = 256
	// maxRetentionHours is ten years (API reference, UpdateDataRetention).
	maxRetentionHours = 87_600
	// maxStreams is the quota of streams of an account (quotas page).
	maxStreams = 10_000
	// arnPrefix begins the resource name of every stream here; the rest is NAME/CREATIONMILLIS.
	arnPrefix = "arn:aws:kinesisvideo:us-east-1:000000000000:stream/"
	// defaultKey is the key that streams are encrypted with if none was named (API reference, CreateStream, KmsKeyId).
	defaultKey = "arn:aws:kms:us-east-1:000000000000:alias/aws/kinesisvideo"
)

// Valid reports whether a stream can have that name.
func (n StreamName) Valid() bool {
	return n != "" && len(n) <= maxStreamName && !strings.ContainsFunc(string(n), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-'
	})
}

// stream is one stream. Values of it are copied out of the table; the maps and pointers in them are not changed.
type stream struct {
	name    StreamName
	created time.Time
	source  footage.Source
	quota   *streamQuota
	kmsKey  string

	device, mediaType, version string
	retention                  time.Duration
	tags                       map[string]string
}

// arn is the stream's resource name.
func (s stream) arn() string {
	return fmt.Sprintf("%s%s/%d", arnPrefix, s.name, s.created.UnixMilli())
}

// newVersion makes the version that a stream has after a change: 26 letters and digits.
func newVersion() string { return rand.Text() }

// streamTable holds the streams of the account.
type streamTable struct {
	mu     sync.Mutex // mu guards byName and what it holds
	byName map[StreamName]stream
}

// newStreamTable makes a table of the streams of o, whose retention ended before today: what is retained never lies
// before a stream's creation, and the resource name is the same after a restart on the same day.
func newStreamTable(o Options, now time.Time) *streamTable {
	t := &streamTable{byName: make(map[StreamName]stream)}
	created := now.UTC().Add(-o.Retention).Truncate(24 * time.Hour)
	parts := make(map[StreamName][]footage.Source)
	for _, given := range o.Streams {
		if given.Source != nil {
			parts[given.Name] = append(parts[given.Name], given.Source)
		}
		st := t.byName[given.Name]
		if st.mediaType == "" {
			st.mediaType = given.MediaType
		}
		t.byName[given.Name] = st
	}
	for name, st := range t.byName {
		t.byName[name] = stream{name: name, created: created, source: footage.NewSource(parts[name]...),
			quota: newStreamQuota(o.NoQuota), kmsKey: defaultKey, mediaType: st.mediaType, version: newVersion(),
			retention: o.Retention}
	}
	return t
}

// find gives the stream that ref names.
func (t *streamTable) find(ref streamRef) (stream, error) {
	name, err := ref.name()
	if err != nil {
		return stream{}, err
	}
	t.mu.Lock()
	st, ok := t.byName[name]
	t.mu.Unlock()
	if !ok || (ref.StreamARN != "" && ref.StreamARN != st.arn()) {
		return stream{}, noStream()
	}
	return st, nil
}

// list gives all streams whose names begin with prefix and come after a name, by name.
func (t *streamTable) list(prefix string, after StreamName) []stream {
	t.mu.Lock()
	all := slices.Collect(maps.Values(t.byName))
	t.mu.Unlock()
	all = slices.DeleteFunc(all, func(s stream) bool {
		return s.name <= after || !strings.HasPrefix(string(s.name), prefix)
	})
	slices.SortFunc(all, func(a, b stream) int { return strings.Compare(string(a.name), string(b.name)) })
	return all
}

// add puts in a new stream.
func (t *streamTable) add(st stream) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.byName[st.name]; ok {
		return refuse(errInUse, "The stream %s already exists.", st.name)
	}
	if len(t.byName) >= maxStreams {
		return refuse(errAccountStreamLimit, "The number of streams created for the account is too high.")
	}
	t.byName[st.name] = st
	return nil
}

// change runs f on the stream found before, and keeps what f made of it unless f failed. f runs under the lock.
func (t *streamTable) change(found stream, f func(*stream) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	st, err := t.currentLocked(found)
	if err != nil {
		return err
	}
	if err := f(&st); err != nil {
		return err
	}
	t.byName[st.name] = st
	return nil
}

// remove takes out the stream found before. An empty version fits any.
func (t *streamTable) remove(found stream, version string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	st, err := t.currentLocked(found)
	if err != nil {
		return err
	}
	if version != "" {
		if err := st.checkVersion(version); err != nil {
			return err
		}
	}
	delete(t.byName, st.name)
	return nil
}

// currentLocked gives the stream found before as it is now, unless it was deleted since, or made anew.
func (t *streamTable) currentLocked(found stream) (stream, error) {
	st, ok := t.byName[found.name]
	if !ok || !st.created.Equal(found.created) {
		return stream{}, noStream()
	}
	return st, nil
}

// checkVersion refuses a change that was meant for another version.
func (s *stream) checkVersion(version string) error {
	if version != s.version {
		return refuse(errVersionMismatch, "The stream version %s is not the latest version.", version)
	}
	return nil
}
