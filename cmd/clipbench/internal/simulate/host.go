package simulate

import "math"

// host is a mount with a cache of its own.
type host struct {
	*fleet
	has    map[piece]bool
	listed map[clip]bool
	// called are the parts for whose heads this host has called.
	called map[piece]bool
	// uploads are when each of its uploads is free; confirmed is the clip whose listing after the fetch was made.
	uploads   [uploads]Seconds
	confirmed map[clip]bool
	// parsed is when the heads that came are parsed, reading when its reader has what came so far.
	parsed, reading Seconds
}

// job opens an hour and reads it.
func (h *host) job(c clip) {
	began := h.now
	parts := h.costs.Parts
	h.at(h.now+h.costs.Start, func() {
		h.listOnce(c, func() {
			together(parts, headsAtOnce, func(i int, done func()) {
				h.head(piece{c, i, true}, func() {
					h.parsed = max(h.parsed, h.now) + h.costs.HeadCPU
					h.at(h.parsed, done)
				})
			}, func() {
				h.opens = append(h.opens, h.now-began)
				together(parts, mediaAtOnce, func(i int, done func()) { h.media(piece{c, i, false}, done) }, func() {
					h.result.EndLast = max(h.result.EndLast, h.now-began)
				})
			})
		})
	})
}

func (h *host) listOnce(c clip, then func()) {
	if h.listed[c] {
		then()
		return
	}
	h.listed[c] = true
	points := h.costs.ListPoints
	if h.run.Tier && (h.run.Warm || h.listings[c]) {
		points = h.costs.ListLater
	}
	h.list(c.stream, points, func() {
		h.listings[c] = true
		then()
	})
}

// head has the head of a part.
func (h *host) head(p piece, done func()) {
	if h.has[p] {
		done()
		return
	}
	h.has[p] = true
	call := func() {
		h.at(h.points(p.clip.stream)+h.costs.ArchiveLatency+Seconds(h.costs.HeadBytes/h.costs.ArchiveBandwidth), func() {
			h.share(p, h.costs.HeadObject)
			done()
		})
	}
	if !h.run.Tier {
		call()
		return
	}
	h.look(p, h.costs.HeadObject, func(bool) { done() }, call)
}

// media has the media of a part, and hands it to the reader.
func (h *host) media(p piece, done func()) {
	bytes := h.costs.PartBytes
	read := func() {
		h.result.ReadBytes += bytes
		alone := Seconds(0)
		if h.costs.ReadRate > 0 {
			alone = Seconds(bytes / h.costs.ReadRate)
		}
		h.reading = h.machine.pass(max(h.now, h.reading), bytes, alone)
		h.at(h.reading, done)
	}
	if h.has[p] {
		h.result.FromLocal += bytes
		read()
		return
	}
	h.has[p] = true
	head := piece{p.clip, p.part, true}
	call := func() {
		h.result.FromArchive += bytes
		h.result.ArchiveBytes += bytes
		begin := h.now
		if called := h.called[head]; !called || h.random.Float64() < h.refetch() {
			begin = h.points(p.clip.stream) + h.costs.ArchiveLatency
			if called {
				h.waste()
			}
		}
		h.at(begin+Seconds(bytes/h.costs.ArchiveBandwidth), func() {
			h.share(p, bytes)
			read()
		})
	}
	if !h.run.Tier {
		call()
		return
	}
	h.look(p, bytes, func(bool) {
		h.result.FromShared += bytes
		if h.called[head] {
			h.waste()
		}
		read()
	}, call)
}

// refetch is the chance that a part for whose head this host has called is called for again.
func (h *host) refetch() float64 {
	if h.run.Tier && h.run.Hosts > 1 {
		return h.costs.Yields
	}
	return h.costs.Refetch
}

// waste counts what a call for a head has sent of media that came in another way.
func (h *host) waste() {
	h.result.Wasted += h.costs.HeadBytes
	h.result.ArchiveBytes += h.costs.HeadBytes
}

// look has a piece of the store: there once it has come, or call where this host is to fetch it.
func (h *host) look(p piece, bytes float64, there func(waited bool), call func()) {
	o := h.object(p)
	h.get(1)
	h.in(h.costs.StoreLatency, func() {
		if o.there {
			h.at(h.come(bytes)-h.costs.StoreLatency, func() { there(false) })
			return
		}
		h.put(1) // the lease
		if o.claimed < 0 {
			o.claimed = h.now
			h.in(h.costs.StoreLatency, call)
			return
		}
		if !p.head && h.random.Float64() < h.costs.Duplicate {
			h.in(h.costs.StoreLatency, call)
			return
		}
		h.follow(o, bytes, there)
	})
}

// follow waits for an object in rounds of two requests.
func (h *host) follow(o *object, bytes float64, there func(waited bool)) {
	begun := h.now + h.costs.StoreLatency
	round := poll + 2*h.costs.StoreLatency
	wake := func() {
		rounds := math.Max(1, math.Ceil(float64((h.now-begun)/round)))
		found := begun + Seconds(rounds)*round
		h.result.Gets += 2 * rounds
		h.peak.spread(begun, found, 2*rounds)
		h.at(found, func() { h.at(h.come(bytes)-h.costs.StoreLatency, func() { there(true) }) })
	}
	if o.there {
		wake()
		return
	}
	o.waiting = append(o.waiting, wake)
}

// share uploads what has come by a call, and notes that it has.
func (h *host) share(p piece, bytes float64) {
	if p.head {
		h.called[p] = true
	}
	if !h.run.Tier {
		return
	}
	fetched := h.now
	up := func() {
		first := 0
		for i := range h.uploads {
			if h.uploads[i] < h.uploads[first] {
				first = i
			}
		}
		alone := Seconds(bytes / h.costs.StoreBandwidth)
		if h.costs.Uplink > 0 {
			alone = max(alone, Seconds(bytes*uploads/h.costs.Uplink))
		}
		h.get(1) // whether it is there
		h.uploads[first] = max(h.now, h.uploads[first]) + 2*h.costs.StoreLatency + h.costs.Upload + alone
		h.at(h.uploads[first], func() { h.uploaded(p, bytes, fetched) })
	}
	if h.confirmed[p.clip] {
		up()
		return
	}
	h.confirmed[p.clip] = true
	h.list(p.clip.stream, h.costs.Confirm, up)
}

// uploaded is the end of an upload: those that wait find the object. Another host may have been quicker.
func (h *host) uploaded(p piece, bytes float64, fetched Seconds) {
	o := h.object(p)
	if o.there {
		return
	}
	h.put(1)
	beats := math.Floor(float64((h.now-o.claimed)/beat)) + 1
	h.result.Puts += beats
	h.peak.spread(o.claimed, h.now, beats)
	h.result.UploadLag = max(h.result.UploadLag, h.now-fetched)
	h.result.Written += bytes
	o.there = true
	for _, wake := range o.waiting {
		wake()
	}
	o.waiting = nil
}
