package cache

import (
	"hash/maphash"
	"iter"

	"clipfs/cache/disk"
)

// idleList has the entries that are whole and not held, in the order of last use. There may be a million of them, so each
// is a record without pointers, which costs the garbage collector nothing. An item is made of it when it is needed.
type idleList struct {
	hash func(Key) uint32
	// first has a record of each hash of a key, and record.next the others of that hash.
	first map[uint32]place
	// slabs have the records. The one at place 0 is no entry: it is both ends of the order of use.
	slabs []*[slabRecords]record
	// made is how many records there are, free the first of those that have no entry, n how many have one.
	made, free place
	n          int
	// odd has what does not fit into a record.
	odd map[place]odd
}

// place is where a record is.
type place int32

const (
	slabRecords = 256
	// recordKey is the longest key that fits into a record. Keys with 32 digits do.
	recordKey = 39
	// A list of at least shrinkFrom records is copied once at most one in shrinkPart has an entry. The copy is rare: seven of eight entries
	// have to go first.
	shrinkFrom, shrinkPart = 4 * slabRecords, 8
)

type record struct {
	older, newer, next place
	keyLength          uint8 // 0: the key is in odd, or there is no entry
	form               disk.Form
	// unchecked and changed are the entry's disk.State, unless that is in odd.
	unchecked bool
	lent      bool // see item
	found     bool // was found at the start, and not used since
	key       [recordKey]byte

	size, cost, created, until, changed int64
}

// odd is a key that is too long for a record, or a state that a record cannot say.
type odd struct {
	key   Key
	state disk.State
}

func newIdleList() *idleList {
	seed := maphash.MakeSeed()
	return &idleList{
		hash:  func(key Key) uint32 { return uint32(maphash.String(seed, string(key))) },
		first: make(map[uint32]place), odd: make(map[place]odd),
		slabs: []*[slabRecords]record{new([slabRecords]record)}, made: 1,
	}
}

func (l *idleList) at(p place) *record { return &l.slabs[p/slabRecords][p%slabRecords] }

// find gives the place of a key, 0 if there is none.
func (l *idleList) find(key Key) place {
	p := l.first[l.hash(key)]
	for p != 0 && !l.has(p, key) {
		p = l.at(p).next
	}
	return p
}

func (l *idleList) has(p place, key Key) bool {
	r := l.at(p)
	if r.keyLength == 0 {
		return l.odd[p].key == key
	}
	return string(r.key[:r.keyLength]) == string(key)
}

// key is empty if there is no entry at a place.
func (l *idleList) key(p place) Key {
	r := l.at(p)
	if r.keyLength == 0 {
		return l.odd[p].key
	}
	return Key(r.key[:r.keyLength])
}

// add has an entry be the one that was used last. It has no record yet.
func (l *idleList) add(key Key, s disk.State, r record) {
	if l.free == 0 {
		if l.free = l.made; l.made%slabRecords == 0 {
			l.slabs = append(l.slabs, new([slabRecords]record))
		}
		l.made++
	}
	p := l.free
	l.free = l.at(p).next // 0 of a new one
	if len(key) <= recordKey {
		r.keyLength = uint8(copy(r.key[:], key))
	}
	h := l.hash(key)
	r.next = l.first[h]
	l.first[h] = p
	*l.at(p) = r
	l.setState(p, key, s)
	l.link(p, 0)
	l.n++
}

// remove removes the record at a place. No place that was found before is to be used any more.
func (l *idleList) remove(p place) {
	h, r := l.hash(l.key(p)), l.at(p)
	switch before := l.first[h]; {
	case before != p:
		for l.at(before).next != p {
			before = l.at(before).next
		}
		l.at(before).next = r.next
	case r.next != 0:
		l.first[h] = r.next
	default:
		delete(l.first, h)
	}
	l.unlink(p)
	delete(l.odd, p)
	*r = record{next: l.free}
	l.free = p
	l.n--
	if l.made > shrinkFrom && l.n <= int(l.made)/shrinkPart {
		l.shrink()
	}
}

// shrink has the entries in no more memory than they need, in the order of use. No place is what it was.
func (l *idleList) shrink() {
	old := *l
	*l = *newIdleList()
	l.hash = old.hash
	for p := range old.inOrder() {
		l.add(old.key(p), old.state(p), *old.at(p))
	}
}

// link puts a record right before a newer one in the order of use; before place 0 is last.
func (l *idleList) link(p, newer place) {
	older := l.at(newer).older
	l.at(p).older, l.at(p).newer = older, newer
	l.at(older).newer, l.at(newer).older = p, p
}

func (l *idleList) unlink(p place) {
	r := l.at(p)
	l.at(r.older).newer, l.at(r.newer).older = r.newer, r.older
}

// oldest is the place of the entry that was used least recently, 0 if there is none.
func (l *idleList) oldest() place { return l.at(0).newer }

// setOldest has an entry be the one that was used least recently.
func (l *idleList) setOldest(p place) {
	l.unlink(p)
	l.link(p, l.oldest())
}

// inOrder yields the places in the order of use.
func (l *idleList) inOrder() iter.Seq[place] {
	return func(yield func(place) bool) {
		for p := l.oldest(); p != 0 && yield(p); p = l.at(p).newer {
		}
	}
}

func (l *idleList) state(p place) disk.State {
	if o, ok := l.odd[p]; ok {
		return o.state
	}
	r := l.at(p)
	return disk.State{Changed: r.changed, Unchecked: r.unchecked}
}

func (l *idleList) setState(p place, key Key, s disk.State) {
	r := l.at(p)
	r.changed, r.unchecked = s.Changed, s.Unchecked
	if r.keyLength == 0 || s.Partly() {
		l.odd[p] = odd{key, s}
	} else {
		delete(l.odd, p)
	}
}

// name gives that of the file of an entry.
func (l *idleList) name(p place) disk.Name {
	r := l.at(p)
	return disk.Name{Key: l.key(p), Size: r.size, Created: r.created, Role: r.form.Bytes()}
}

// names gives those of the entries of a slab. more is false if it is the last.
func (l *idleList) names(slab int) (names []disk.Name, more bool) {
	names = make([]disk.Name, 0, slabRecords)
	for i := range place(slabRecords) {
		if p := place(slab)*slabRecords + i; l.key(p) != "" {
			names = append(names, l.name(p))
		}
	}
	return names, slab+1 < len(l.slabs)
}
