package download

import (
	"clipfs/cache"
	"clipfs/clip/archive"
)

// priorities is how many there are.
const priorities = int(archive.ForAhead) + 1

// demands has the demand for each payload that has holders or downloads. It has no lock of its own.
type demands map[cache.Key]*demand

// demand is who wants one payload.
type demand struct {
	// holders counts them by priority.
	holders [priorities]int
	// downloads is how many downloads of the payload there are.
	downloads int
	// priority is the first of the holders'; ForAhead if there are none. It tells the archive of its changes.
	priority *archive.Demand
}

// more reports whether any holder wants more than the head.
func (d *demand) more() bool { return d.holders[archive.ForReader]+d.holders[archive.ForAhead] > 0 }

// none reports whether there are no holders.
func (d *demand) none() bool { return d.holders == [priorities]int{} }

// of gives the demand for a payload. settle has to follow a change of it.
func (all demands) of(key cache.Key) *demand {
	d := all[key]
	if d == nil {
		d = &demand{priority: archive.NewDemand(archive.ForAhead)}
		all[key] = d
	}
	return d
}

// settle follows a change: the priority is that of the first holder, and what has neither holders nor downloads is forgotten.
func (all demands) settle(key cache.Key, d *demand) {
	first := archive.ForReader
	for first < archive.ForAhead && d.holders[first] == 0 {
		first++
	}
	d.priority.Store(first)
	if d.none() && d.downloads == 0 {
		delete(all, key)
	}
}
