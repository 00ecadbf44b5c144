package emulator

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/store"
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
	// given says that it is one of Options.Streams.
	given bool
	// pushed is what producers have sent, besides the footage of source. Fragment numbers of either are no other's.
	pushed *store.Stream
}

// arn is the stream's resource name.
func (s stream) arn() string {
	return fmt.Sprintf("%s%s/%d", arnPrefix, s.name, s.created.UnixMilli())
}

// newVersion makes the version that a stream has after a change: 26 letters and digits.
func newVersion() string { return rand.Text() }

// streamTable holds the streams of the account. Changes are kept in the store before they are seen here.
type streamTable struct {
	store *store.Store
	// turn is held by the one change that is going on; what only reads does not wait for it.
	turn chan struct{}

	mu     sync.Mutex // mu guards byName and what it holds
	byName map[StreamName]stream
}

// newStreamTable makes a table of the streams of o and of those in a store.
//
// A stream of o that the store does not know was made before its retention ended today: what is retained never lies
// before a stream's creation, and without a store the resource name is the same after a restart on the same day. One
// that the store knows stays what it is, but for its retention and media type, which o gives.
func newStreamTable(o Options, kept *store.Store, now time.Time) (*streamTable, error) {
	t := &streamTable{store: kept, turn: make(chan struct{}, 1), byName: make(map[StreamName]stream)}
	for _, k := range kept.Streams() {
		st, err := restore(k, o.NoQuota)
		if err != nil {
			return nil, err
		}
		t.byName[st.name] = st
	}
	parts := make(map[StreamName][]footage.Source)
	given := make(map[StreamName]Stream)
	for _, g := range o.Streams {
		if g.Source != nil {
			parts[g.Name] = append(parts[g.Name], g.Source)
		}
		g.MediaType = cmp.Or(given[g.Name].MediaType, g.MediaType)
		given[g.Name] = g
	}
	for name, st := range t.byName {
		if _, ok := given[name]; ok {
			continue
		}
		gone, err := forgetGiven(st)
		if err != nil {
			return nil, err
		}
		if gone {
			delete(t.byName, name)
		}
	}
	for name, g := range given {
		st, err := t.give(o, g, now)
		if err != nil {
			return nil, err
		}
		st.source = footage.NewSource(parts[name]...)
		t.byName[name] = st
	}
	return t, nil
}

// give makes a stream of Options.Streams, or finds it.
func (t *streamTable) give(o Options, g Stream, now time.Time) (stream, error) {
	created := now.UTC().Add(-o.Retention).Truncate(24 * time.Hour)
	st, known := t.byName[g.Name]
	if !known {
		st = stream{name: g.Name, created: created, quota: newStreamQuota(o.NoQuota), kmsKey: defaultKey,
			mediaType: g.MediaType, version: newVersion(), retention: o.Retention, given: true}
		return t.keep(st)
	}
	st.mediaType, st.retention = cmp.Or(g.MediaType, st.mediaType), o.Retention
	if st.given && created.Before(st.created) { // The retention is longer than it was.
		st.created = created
	}
	return st, st.pushed.Save(st.record())
}

// keep puts a new stream into the store.
func (t *streamTable) keep(st stream) (stream, error) {
	kept, err := t.store.Create(string(st.name), st.created, st.record())
	st.pushed, st.source = kept, footage.NewSource()
	return st, err
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
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	t.mu.Lock()
	_, exists := t.byName[st.name]
	n := len(t.byName)
	t.mu.Unlock()
	if exists {
		return refuse(errInUse, "The stream %s already exists.", st.name)
	}
	if n >= maxStreams {
		return refuse(errAccountStreamLimit, "The number of streams created for the account is too high.")
	}
	st, err := t.keep(st)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byName[st.name] = st
	return nil
}

// change runs f on the stream found before, and keeps what f made of it unless f failed.
func (t *streamTable) change(found stream, f func(*stream) error) error {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	st, err := t.current(found)
	if err != nil {
		return err
	}
	if err := f(&st); err != nil {
		return err
	}
	if err := st.pushed.Save(st.record()); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byName[st.name] = st
	return nil
}

// remove takes out the stream found before. An empty version fits any.
func (t *streamTable) remove(found stream, version string) error {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	st, err := t.current(found)
	if err != nil {
		return err
	}
	if version != "" {
		if err := st.checkVersion(version); err != nil {
			return err
		}
	}
	t.mu.Lock()
	delete(t.byName, st.name)
	t.mu.Unlock()
	return st.pushed.Remove()
}

// current gives the stream found before as it is now, unless it was deleted since, or made anew.
func (t *streamTable) current(found stream) (stream, error) {
	t.mu.Lock()
	st, ok := t.byName[found.name]
	t.mu.Unlock()
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
