package streams

import (
	"cmp"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/store"
	"clipfs/clip/emulator/wire"
)

// maxStreams is the quota of streams of an account (quotas page).
const maxStreams = 10_000

// Given is a stream that is there from the start.
type Given struct {
	// Name of the stream. Several entries of one name make one stream that has recorded all of their footage.
	Name wire.StreamName
	// Source of its footage; nil is none.
	Source footage.Source
	// MediaType that DescribeStream tells; may be empty.
	MediaType string
}

// Options of a Table.
type Options struct {
	// Log takes what is worth knowing and no caller is told; nil discards.
	Log *slog.Logger
	// Data is the directory of the store; empty keeps streams in memory.
	Data string
	// Given streams are there from the start; retention is how long they keep footage, in whole hours.
	Given     []Given
	Retention time.Duration
	// NoQuota leaves the streams' quotas out.
	NoQuota bool
}

// Table holds the streams of the account. Changes are kept in the store before they are seen here.
type Table struct {
	log     *slog.Logger
	store   *store.Store
	noQuota bool
	// turn is held by the one change that is going on; what only reads does not wait for it.
	turn chan struct{}

	mu     sync.Mutex // mu guards byName and what it holds
	byName map[wire.StreamName]Stream
}

// Open makes a table of the streams that are given and of those in the store, which it has until Close.
//
// A given stream that the store does not know was made before its retention ended today: what is retained never lies
// before a stream's creation, and without a store the resource name is the same after a restart on the same day. One
// that the store knows stays what it is, but for its retention and media type, which are as given.
func Open(o Options, now time.Time) (*Table, error) {
	kept, err := store.Open(o.Data, store.Options{Log: o.Log})
	if err != nil {
		return nil, err
	}
	t := &Table{log: o.Log, store: kept, noQuota: o.NoQuota, turn: make(chan struct{}, 1), byName: make(map[wire.StreamName]Stream)}
	if err := t.load(o, now); err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	return t, nil
}

// Close closes the store.
func (t *Table) Close() error { return t.store.Close() }

// load fills the table.
func (t *Table) load(o Options, now time.Time) error {
	for _, k := range t.store.Streams() {
		st, err := restore(k, t.noQuota)
		if err != nil {
			return err
		}
		t.byName[st.Name] = st
	}
	parts := make(map[wire.StreamName][]footage.Source)
	all := make(map[wire.StreamName]Given)
	for _, g := range o.Given {
		if g.Source != nil {
			parts[g.Name] = append(parts[g.Name], g.Source)
		}
		g.MediaType = cmp.Or(all[g.Name].MediaType, g.MediaType)
		all[g.Name] = g
	}
	for name, st := range t.byName {
		if _, ok := all[name]; ok {
			continue
		}
		gone, err := forgetGiven(st)
		if err != nil {
			return err
		}
		if gone {
			delete(t.byName, name)
		}
	}
	for name, g := range all {
		st, err := t.give(g, o.Retention, now)
		if err != nil {
			return err
		}
		st.source = footage.NewSource(parts[name]...)
		t.byName[name] = st
	}
	return nil
}

// give makes a given stream, or finds it.
func (t *Table) give(g Given, retention time.Duration, now time.Time) (Stream, error) {
	created := now.UTC().Add(-retention).Truncate(24 * time.Hour)
	st, known := t.byName[g.Name]
	if !known {
		return t.keep(Stream{Name: g.Name, Created: created, MediaType: g.MediaType, Retention: retention, given: true})
	}
	st.MediaType, st.Retention = cmp.Or(g.MediaType, st.MediaType), retention
	if st.given && created.Before(st.Created) { // The retention is longer than it was.
		st.Created = created
	}
	return st, st.Pushed.Save(st.record())
}

// keep puts a new stream into the store, with what every new stream has.
func (t *Table) keep(st Stream) (Stream, error) {
	st.Version, st.KMSKey = newVersion(), cmp.Or(st.KMSKey, defaultKey)
	st.Quota, st.source = newQuota(t.noQuota), footage.NewSource()
	kept, err := t.store.Create(string(st.Name), st.Created, st.record())
	st.Pushed = kept
	return st, err
}

// Find gives the stream that ref names.
func (t *Table) Find(ref wire.StreamRef) (Stream, error) {
	name, err := ref.Name()
	if err != nil {
		return Stream{}, err
	}
	t.mu.Lock()
	st, ok := t.byName[name]
	t.mu.Unlock()
	if !ok || (ref.StreamARN != "" && ref.StreamARN != st.ARN()) {
		return Stream{}, wire.NoStream()
	}
	return st, nil
}

// List gives all streams whose names begin with prefix and come after a name, by name.
func (t *Table) List(prefix string, after wire.StreamName) []Stream {
	t.mu.Lock()
	all := slices.Collect(maps.Values(t.byName))
	t.mu.Unlock()
	all = slices.DeleteFunc(all, func(s Stream) bool {
		return s.Name <= after || !strings.HasPrefix(string(s.Name), prefix)
	})
	slices.SortFunc(all, func(a, b Stream) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return all
}

// Create puts in a new stream that has a name, a time of creation, and what else its maker chose.
func (t *Table) Create(st Stream) (Stream, error) {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	t.mu.Lock()
	_, exists := t.byName[st.Name]
	n := len(t.byName)
	t.mu.Unlock()
	if exists {
		return Stream{}, wire.Refuse(wire.InUse, "The stream %s already exists.", st.Name)
	}
	if n >= maxStreams {
		return Stream{}, wire.Refuse(wire.AccountStreamLimit, "The number of streams created for the account is too high.")
	}
	st, err := t.keep(st)
	if err != nil {
		return Stream{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byName[st.Name] = st
	return st, nil
}

// Change runs f on the stream found before, and keeps what f made of it unless f failed.
func (t *Table) Change(found Stream, f func(*Stream) error) error {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	st, err := t.Current(found)
	if err != nil {
		return err
	}
	if err := f(&st); err != nil {
		return err
	}
	if err := st.Pushed.Save(st.record()); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byName[st.Name] = st
	return nil
}

// Remove takes out the stream found before. An empty version fits any.
func (t *Table) Remove(found Stream, version string) error {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	st, err := t.Current(found)
	if err != nil {
		return err
	}
	if version != "" {
		if err := st.checkVersion(version); err != nil {
			return err
		}
	}
	t.mu.Lock()
	delete(t.byName, st.Name)
	t.mu.Unlock()
	return st.Pushed.Remove()
}

// Current gives the stream found before as it is now, unless it was deleted since, or made anew.
func (t *Table) Current(found Stream) (Stream, error) {
	t.mu.Lock()
	st, ok := t.byName[found.Name]
	t.mu.Unlock()
	if !ok || !st.Created.Equal(found.Created) {
		return Stream{}, wire.NoStream()
	}
	return st, nil
}
