package packed

import (
	"slices"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
)

// Lists keeps lists of fragments by key: those that were used last as they are, all others packed. It is not safe for concurrent use.
type Lists[K comparable] struct {
	most int
	all  map[K]*list
	// loose has the lists that are not packed, in the order of their use, and unpacked is how many fragments these have.
	loose    *simplelru.LRU[K, *list]
	unpacked int
}

// list has its fragments, or these packed.
type list struct {
	fragments []archive.Fragment
	packed    []byte
	count     int
}

// maxLists bounds how many lists are not packed, whatever they have.
const maxLists = 100_000

// NewLists gives one that has at most so many fragments that are not packed, apart from the list that was used last.
func NewLists[K comparable](most int) *Lists[K] {
	l := &Lists[K]{most: most, all: make(map[K]*list)}
	var err error
	if l.loose, err = simplelru.NewLRU(maxLists, func(_ K, v *list) { l.unpacked -= v.count }); err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return l
}

// Put adds a copy of a list, in the place of one that has its key.
func (l *Lists[K]) Put(key K, fragments []archive.Fragment) {
	l.Remove(key)
	if len(fragments) == 0 {
		return
	}
	v := &list{fragments: slices.Clone(fragments), count: len(fragments)}
	l.all[key] = v
	l.use(key, v)
}

// Get gives a list, nil where there is none of a key. It is not to be changed.
func (l *Lists[K]) Get(key K) []archive.Fragment {
	v := l.all[key]
	if v == nil {
		return nil
	}
	if v.packed != nil {
		v.fragments, _ = Unpack(v.packed, v.count) // it was unpacked before
		v.packed = nil
	}
	l.use(key, v)
	return v.fragments
}

// Remove drops a list and gives how many fragments it had.
func (l *Lists[K]) Remove(key K) int {
	v := l.all[key]
	if v == nil {
		return 0
	}
	l.loose.Remove(key)
	delete(l.all, key)
	return v.count
}

// use makes a list the one that was used last, and packs those that were used longest ago.
func (l *Lists[K]) use(key K, v *list) {
	l.loose.Remove(key)
	l.loose.Add(key, v)
	l.unpacked += v.count
	for l.unpacked > l.most && l.loose.Len() > 1 {
		_, old, _ := l.loose.RemoveOldest()
		old.pack()
	}
}

// pack packs a list, if it comes out as it was.
func (v *list) pack() {
	if !Able(v.fragments) {
		return
	}
	p := Pack(v.fragments)
	if again, err := Unpack(p, v.count); err == nil && slices.Equal(again, v.fragments) {
		v.packed, v.fragments = p, nil
	}
}
