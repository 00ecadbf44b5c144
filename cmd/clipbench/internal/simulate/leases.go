package simulate

// The numbers of package clip/shared.
const (
	// partsOfLeases is how many parts have their leases in one object: those of an hour.
	partsOfLeases = 60
	// gather is how long a host waits for more of these to be asked for before it takes leases.
	gather Seconds = 0.01
	// beat is how often a host with leases writes its beat, slowBeat how often once it has got no further for slowAfter, and tell how often its
	// leases at most.
	beat, slowBeat, slowAfter, tell Seconds = 0.5, 2, 4, 0.2
	// firstPoll and lastPoll bound how long a host that follows rests between its looks, an eighth of the time in which it has seen no change.
	firstPoll, lastPoll Seconds = 0.2, 1
)

// hour is what of a clip has its leases in one object.
type hour struct {
	clip  clip
	index int
}

func (p piece) hour() hour { return hour{p.clip, p.part / partsOfLeases} }

// leases is what one host writes and reads of leases.
type leases struct {
	*host
	// taken is until when what is asked for goes along with the leases that are taken of an hour, written when their ends were last
	// written, or will be.
	taken, written map[hour]Seconds
	// busy is for how many pieces others may wait, moved when that last changed.
	busy    int
	beating bool
	moved   Seconds
	// follows are the hours that it reads, sights since when it reads beats.
	follows map[hour]*following
	sights  Seconds
}

// following is a host that reads the leases of an hour for so many pieces, since it last asked for one.
type following struct {
	pieces int
	since  Seconds
}

func newLeases(h *host) *leases {
	return &leases{host: h, taken: make(map[hour]Seconds), written: make(map[hour]Seconds), follows: make(map[hour]*following)}
}

// take takes the lease of a piece, or asks for one that is idle, and gives when that is written.
func (l *leases) take(p piece) Seconds {
	m := p.hour()
	if l.now >= l.taken[m] {
		l.taken[m] = l.now + gather
		l.put(1)
	}
	return l.taken[m] + l.costs.StoreLatency
}

// work has others wait for one more piece.
func (l *leases) work() {
	l.busy++
	l.moved = l.now
	if !l.beating {
		l.beating = true
		l.pulse()
	}
}

// pulse writes the beat as long as others may wait.
func (l *leases) pulse() {
	if l.beating = l.busy > 0; !l.beating {
		return
	}
	l.put(1)
	every := beat
	if l.now-l.moved >= slowAfter {
		every = slowBeat
	}
	l.in(every, l.pulse)
}

// note writes what has become of leases of a piece's hour, a while after the last time at the earliest, and gives when others can read it.
func (l *leases) note(p piece) Seconds {
	m := p.hour()
	if at, ok := l.written[m]; !ok || at < l.now {
		next := l.now
		if ok {
			next = max(l.now, at+tell)
		}
		l.written[m] = next
		l.result.Puts++
		l.peak.add(next, 1)
	}
	return l.written[m] + l.costs.StoreLatency
}

// end ends the lease of a piece that is uploaded.
func (l *leases) end(p piece) Seconds {
	l.busy--
	l.moved = l.now
	return l.note(p)
}

// follow waits for a piece of another host, and finds it at the first look after that has told of it.
func (l *leases) follow(p piece, found func()) {
	m := p.hour()
	f := l.follows[m]
	if f == nil {
		if len(l.follows) == 0 {
			l.sights = l.now
		}
		f = &following{since: l.now}
		l.follows[m] = f
	}
	l.looks(f)
	f.pieces++
	told := func() {
		l.in(rest(l.now-f.since)/2+l.costs.StoreLatency, func() {
			l.looks(f)
			if f.pieces--; f.pieces == 0 {
				delete(l.follows, m)
			}
			if len(l.follows) == 0 {
				l.spread(l.sights, float64((l.now-l.sights)/beat))
			}
			found()
		})
	}
	o := l.object(p)
	if o.told {
		told()
		return
	}
	o.waiting = append(o.waiting, told)
}

// rest is how long a host rests that has seen no change for so long.
func rest(still Seconds) Seconds { return min(max(firstPoll, still/8), lastPoll) }

// looks counts the looks since the last time.
func (l *leases) looks(f *following) {
	n := 0.0
	for at := f.since; at < l.now; at += rest(at-f.since) + l.costs.StoreLatency {
		n++
	}
	l.spread(f.since, n)
	f.since = l.now
}

// spread counts reads since a time.
func (l *leases) spread(since Seconds, n float64) {
	l.result.Gets += n
	l.peak.spread(since, l.now, n)
}
