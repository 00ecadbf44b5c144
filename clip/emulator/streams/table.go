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
	// MediaType that DescribeStream tells, such as "video/h264"; may be empty.
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
	// Now is the service's time.
	Now func() time.Time
	// Lifecycle is how long a stream is being created, and being deleted.
	Lifecycle time.Duration
	// NoQuota leaves the streams' quotas out, but for the connections that may bring media to one at once.
	NoQuota        bool
	PutConnections int
}

// Table holds the streams of the account. Changes are kept in the store before they are seen here.
type Table struct {
	log       *slog.Logger
	store     *store.Store
	now       func() time.Time
	lifecycle time.Duration
	noQuota   bool
	// given streams are there from the start, each with all of its footage, which they keep for retention.
	given     map[wire.StreamName]Given
	retention time.Duration
	// connections is how many may bring media to a stream at once.
	connections int
	// turn is held by the one change that is going on; what only reads does not wait for it.
	turn chan struct{}

	mu     sync.Mutex // mu guards what follows
	byName map[wire.StreamName]Stream
	// deleted streams are told of until they are gone.
	deleted map[wire.StreamName]Stream
}

// Open makes a table of the streams that are given and of those in the store, which it has until Close.
//
// A given stream that the store does not know was made before its retention ended today: what is retained never lies
// before a stream's creation, and without a store the resource name is the same after a restart on the same day. One
// that the store knows stays what it is, but for its retention and media type, which are as given.
func Open(o Options) (*Table, error) {
	kept, err := store.Open(o.Data, store.Options{Log: o.Log})
	if err != nil {
		return nil, err
	}
	t := &Table{log: o.Log, store: kept, now: o.Now, given: gather(o.Given), retention: o.Retention, lifecycle: o.Lifecycle, noQuota: o.NoQuota, connections: o.PutConnections, turn: make(chan struct{}, 1),
		byName: make(map[wire.StreamName]Stream), deleted: make(map[wire.StreamName]Stream)}
	if err := t.load(); err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	return t, nil
}

// Close closes the store.
func (t *Table) Close() error { return t.store.Close() }

// load fills the table.
func (t *Table) load() error {
	for _, k := range t.store.Streams() {
		st, err := restore(k)
		if err != nil {
			return err
		}
		t.byName[st.Name] = t.equip(st)
	}
	for name, st := range t.byName {
		if _, ok := t.given[name]; ok || !st.given || st.Pushed.Len() > 0 {
			continue
		}
		// It was given to an earlier server, not to this one, and nobody pushed anything into it.
		if err := removed(st.Pushed.Remove()); err != nil {
			return err
		}
		delete(t.byName, name)
	}
	for name := range t.given {
		known, ok := t.byName[name]
		st, err := t.give(name, known, ok)
		if err != nil {
			return err
		}
		t.byName[name] = st
	}
	return nil
}

// removed is the error of a removal that may have been made before.
func removed(err error) error {
	if errors.Is(err, store.ErrRemoved) {
		return nil
	}
	return err
}

// gather gives the streams that are there from the start, whose entries can be several.
func gather(given []Given) map[wire.StreamName]Given {
	parts := make(map[wire.StreamName][]footage.Source)
	all := make(map[wire.StreamName]Given)
	for _, g := range given {
		if g.Source != nil {
			parts[g.Name] = append(parts[g.Name], g.Source)
		}
		g.MediaType = cmp.Or(all[g.Name].MediaType, g.MediaType)
		all[g.Name] = g
	}
	for name, g := range all {
		g.Source = footage.NewSource(parts[name]...)
		all[name] = g
	}
	return all
}

// give makes a stream that is there from the start, or brings the one that is known up to date.
func (t *Table) give(name wire.StreamName, st Stream, known bool) (Stream, error) {
	g := t.given[name]
	created := t.now().UTC().Add(-t.retention).Truncate(24 * time.Hour)
	var err error
	if known {
		st.MediaType, st.Retention = cmp.Or(g.MediaType, st.MediaType), t.retention
		if st.given && created.Before(st.Created) { // The retention is longer than it was.
			st.Created = created
		}
		err = st.Pushed.Save(st.record())
	} else {
		st, err = t.keep(Stream{Name: name, Created: created, MediaType: g.MediaType, Retention: t.retention, given: true})
	}
	st.source = g.Source
	return st, err
}

// Reset removes all streams with all that they have recorded. Those that were there from the start are there again, as they were
// given. Media that still arrives for what was removed is refused.
func (t *Table) Reset() error {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	t.mu.Lock()
	old := slices.Collect(maps.Values(t.byName))
	t.mu.Unlock()
	var failed []error
	for _, st := range old {
		failed = append(failed, removed(st.Pushed.Remove()))
	}
	fresh := make(map[wire.StreamName]Stream)
	for name := range t.given {
		st, err := t.give(name, Stream{}, false)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		fresh[name] = st
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byName, t.deleted = fresh, make(map[wire.StreamName]Stream)
	return errors.Join(failed...)
}

// equip gives a stream what every stream has and none keeps.
func (t *Table) equip(st Stream) Stream {
	st.Quota, st.source = newQuota(t.noQuota, t.connections), footage.NewSource()
	if !st.given {
		st.ready = st.Created.Add(t.lifecycle)
	}
	return st
}

// keep puts a new stream into the store, with what every new stream has.
func (t *Table) keep(st Stream) (Stream, error) {
	st = t.equip(st)
	st.Version = newVersion()
	kept, err := t.store.Create(string(st.Name), st.Created, st.record())
	st.Pushed = kept
	return st, err
}

// Find gives the stream that ref names, if its ARN is the owner's. It may be one that is being created or deleted.
func (t *Table) Find(ref wire.StreamRef, o wire.Owner) (Stream, error) {
	name, err := ref.Name()
	if err != nil {
		return Stream{}, err
	}
	t.mu.Lock()
	t.forgetLocked(t.now())
	st, ok := t.byName[name]
	if !ok {
		st, ok = t.deleted[name]
	}
	t.mu.Unlock()
	if !ok || (ref.StreamARN != "" && ref.StreamARN != st.ARN(o)) {
		return Stream{}, wire.NoStream()
	}
	return st, nil
}

// List gives all streams whose names begin with prefix and come after a name, by name.
func (t *Table) List(prefix string, after wire.StreamName) []Stream {
	t.mu.Lock()
	t.forgetLocked(t.now())
	all := slices.AppendSeq(slices.Collect(maps.Values(t.byName)), maps.Values(t.deleted))
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
	t.forgetLocked(t.now())
	_, exists := t.byName[st.Name]
	_, going := t.deleted[st.Name]
	n := len(t.byName)
	t.mu.Unlock()
	if going {
		return Stream{}, Unavailable()
	}
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

// Remove takes out the stream found before, and its footage at once; it is told of for as long as being deleted takes. An
// empty version fits any.
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
	if t.lifecycle > 0 {
		st.gone = t.now().Add(t.lifecycle)
		t.deleted[st.Name] = st
	}
	t.mu.Unlock()
	return st.Pushed.Remove()
}

// forgetLocked forgets streams that are gone.
func (t *Table) forgetLocked(now time.Time) {
	maps.DeleteFunc(t.deleted, func(_ wire.StreamName, st Stream) bool { return !now.Before(st.gone) })
}

// Unavailable refuses what can only be done to a stream that is active.
func Unavailable() error {
	return wire.Refuse(wire.InUse, "The stream is currently not available for this operation.")
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
