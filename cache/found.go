package cache

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"clipfs/cache/disk"
)

// add puts whole entries that were found into the index, not held and in no order.
func (x *index) add(found []disk.Name) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, name := range found {
		cost := name.Form().Cost(name.Size)
		x.used += cost
		x.idleBytes += cost
		x.idle.add(name.Key, disk.State{Unchecked: true}, record{
			form: name.Form(), size: name.Size, cost: cost, created: name.Created, found: true,
			until: x.until(name.Created, time.Time{}, time.Time{}),
		})
	}
}

// foundEntry is an entry that was found on disk, and when it was used last.
type foundEntry struct {
	disk.Name
	used time.Time
}

// rank puts the entries that were found in the order of last use. Those that were used since are last, whatever the clock
// was before.
func (x *index) rank(found []foundEntry) {
	slices.SortFunc(found, func(a, b foundEntry) int {
		return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.Created, b.Created), cmp.Compare(a.Key, b.Key))
	})
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range slices.Backward(found) {
		if p := x.idle.find(f.Key); p != 0 && x.idle.at(p).found {
			x.idle.setOldest(p)
		}
	}
}

// learn remembers when an entry that was found on disk began and has to go. It reports whether it may still be kept.
func (x *index) learn(it *item, start, expires time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	it.until = x.until(it.created, start, expires)
	return time.Now().UnixNano() <= it.until
}

// learnFound is learn of an entry that nobody may have used yet, with what was read of its proof: that counts if nothing is
// known of its blocks.
func (x *index) learnFound(name disk.Name, start, expires time.Time, s disk.State) {
	x.mu.Lock()
	defer x.mu.Unlock()
	until := x.until(name.Created, start, expires)
	if it := x.whole[name.Key]; it != nil && it.created == name.Created {
		it.until = until
	}
	p := x.idle.find(name.Key)
	if p == 0 || x.idle.at(p).created != name.Created {
		return
	}
	x.idle.at(p).until = until
	if x.idle.at(p).unchecked && !s.Unchecked {
		x.idle.setState(p, name.Key, s)
	}
}

// unheld yields the entries that are not held. Some may be used or go meanwhile.
func (x *index) unheld() iter.Seq[disk.Name] {
	return func(yield func(disk.Name) bool) {
		for slab, more := 0, true; more; slab++ {
			var names []disk.Name
			x.mu.Lock()
			names, more = x.idle.names(slab)
			x.mu.Unlock()
			for _, name := range names {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// unproven gives the keys of the pairs that are not held and not proven, as far as is known by now. The one that was used
// last is last.
func (x *index) unproven() (keys []Key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for p := range x.idle.inOrder() {
		if s := x.idle.state(p); x.idle.at(p).form == disk.Pair && (s.Unchecked || s.Partly()) {
			keys = append(keys, x.idle.key(p))
		}
	}
	return keys
}

// expired counts the entries that it returns.
func (x *index) expired() (old []disk.Name) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now().UnixNano()
	for it := range x.heldLocked() {
		if now > it.until {
			old = append(old, disk.Name{Key: it.key, Created: it.created})
		}
	}
	for p := range x.idle.inOrder() {
		if now > x.idle.at(p).until {
			old = append(old, x.idle.name(p))
		}
	}
	x.count.Expired += uint64(len(old))
	return old
}
