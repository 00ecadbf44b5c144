package packed

import (
	"slices"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Lists keeps lists of fragments by key: those that were used last as they are, all others packed. It is not safe for concurrent use.
type Lists[K comparable] struct {
	most int
	all  map[K]List
	// loose has the lists that are not packed alone, in the order of their use, and unpacked is how many fragments these have.
	loose    *simplelru.LRU[K, int]
	unpacked int
}

// maxLists bounds how many lists are not packed, whatever they have.
const maxLists = 100_000

// NewLists gives one that has at most so many fragments that are not packed, apart from the list that was used last.
func NewLists[K comparable](most int) *Lists[K] {
	l := &Lists[K]{most: most, all: make(map[K]List)}
	var err error
	if l.loose, err = simplelru.NewLRU(maxLists, func(_ K, count int) { l.unpacked -= count }); err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return l
}

// Put keeps a list, in the place of one that has its key. What it has as it is, is copied: it may be a piece of much more.
func (l *Lists[K]) Put(key K, v List) {
	l.Remove(key)
	if v.count == 0 {
		return
	}
	v.fragments = slices.Clone(v.fragments)
	l.all[key] = v
	if v.Loose() {
		l.use(key, v.count)
	}
}

// Peek gives a list as it is kept; an empty one where there is none of a key. It is no use.
func (l *Lists[K]) Peek(key K) List { return l.all[key] }

// Get gives a list that is not packed alone, and keeps it so for the next use; an empty one where there is none of a key.
func (l *Lists[K]) Get(key K) List {
	v, ok := l.all[key]
	if !ok {
		return List{}
	}
	if !v.Loose() {
		v.fragments = v.Fragments()
		l.all[key] = v
	}
	l.use(key, v.count)
	return v
}

// Remove drops a list and gives how many fragments it had.
func (l *Lists[K]) Remove(key K) int {
	l.loose.Remove(key)
	count := l.all[key].count
	delete(l.all, key)
	return count
}

// use makes a list the one that was used last, and packs those that were used longest ago.
func (l *Lists[K]) use(key K, count int) {
	l.loose.Remove(key)
	l.loose.Add(key, count)
	l.unpacked += count
	for l.unpacked > l.most && l.loose.Len() > 1 {
		old, _, _ := l.loose.RemoveOldest()
		l.all[old] = l.all[old].Tight()
	}
}
