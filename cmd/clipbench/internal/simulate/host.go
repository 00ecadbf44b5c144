package simulate

// host is a mount with a cache of its own.
type host struct {
	*fleet
	has    map[piece]bool
	listed map[clip]bool
	// called are the parts for whose heads this host has called, since when they came.
	called map[piece]Seconds
	// uploads are when each of its uploads of media is free.
	uploads [uploads]Seconds
	leases  *leases
	// coming are payloads that it goes on to fetch for other hosts.
	coming map[piece]*coming
	// parsed is when the heads that came are parsed, reading when its reader has what came so far.
	parsed, reading Seconds
}

// coming is a payload that comes for another host; its own reader may wait for it.
type coming struct {
	there   bool
	waiting func()
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
	h.look(p, h.costs.HeadObject, done, call)
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
	if c := h.coming[p]; c != nil {
		h.result.FromArchive += bytes
		h.result.ArchiveBytes += bytes
		if c.waiting = read; c.there {
			read()
		}
		return
	}
	call := func() {
		h.result.FromArchive += bytes
		h.result.ArchiveBytes += bytes
		begin := h.now
		if came, called := h.called[head]; !called || h.now-came > linger || h.random.Float64() < h.refetch() {
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
	h.look(p, bytes, func() {
		h.result.FromShared += bytes
		if _, called := h.called[head]; called {
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
func (h *host) look(p piece, bytes float64, there func(), call func()) {
	o := h.object(p)
	h.get(1)
	found := func() { h.at(h.come(bytes)-h.costs.StoreLatency, there) }
	h.in(h.costs.StoreLatency, func() {
		holder := h.object(piece{p.clip, p.part, true}).holder
		switch {
		case o.there:
			found()
		case o.holder == nil && (p.head || holder == nil): // nobody is at it
			h.hold(p)
			h.at(h.leases.take(p), call)
		case o.holder == nil && holder == h: // its lease was taken with that of the head
			h.hold(p)
			h.leases.note(p)
			call()
		case !p.head && h.random.Float64() < h.costs.Duplicate:
			call()
		default:
			if o.holder == nil {
				holder.goOn(p, bytes, h.leases.take(p))
			}
			h.leases.follow(p, found)
		}
	})
}

// hold has other hosts wait for this one.
func (h *host) hold(p piece) {
	h.object(p).holder = h
	h.leases.work()
}

// goOn goes on with the call for a head, once this host has read that another one asks for it.
func (h *host) goOn(p piece, bytes float64, asked Seconds) {
	h.hold(p)
	c := &coming{}
	h.coming[p] = c
	begin := asked + beat/2 + h.costs.StoreLatency
	h.at(begin+Seconds(bytes/h.costs.ArchiveBandwidth), func() {
		h.share(p, bytes)
		if c.there = true; c.waiting != nil {
			c.waiting()
		}
	})
}

// share uploads what has come by a call, and notes that it has.
func (h *host) share(p piece, bytes float64) {
	if p.head {
		h.called[p] = h.now
	}
	if !h.run.Tier {
		return
	}
	fetched := h.now
	// The listings that confirm what came are shared by what waits for them.
	h.list(p.clip.stream, h.costs.Confirm/float64(2*h.costs.Parts), func() {
		end := h.now + h.costs.StoreLatency
		if !p.head {
			end = h.upload(bytes)
		}
		h.at(end, func() { h.uploaded(p, bytes, fetched) })
	})
}

// upload has media wait for its turn, and gives when it is uploaded.
func (h *host) upload(bytes float64) Seconds {
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
	h.uploads[first] = max(h.now, h.uploads[first]) + h.costs.StoreLatency + h.costs.Upload + alone
	return h.uploads[first]
}

// uploaded is the end of an upload: those that wait find the object. Another host may have been quicker.
func (h *host) uploaded(p piece, bytes float64, fetched Seconds) {
	o := h.object(p)
	if o.there || o.holder != h {
		return
	}
	h.put(1)
	h.result.UploadLag = max(h.result.UploadLag, h.now-fetched)
	h.result.Written += bytes
	o.there = true
	h.at(h.leases.end(p), func() {
		o.told = true
		for _, wake := range o.waiting {
			wake()
		}
		o.waiting = nil
	})
}
