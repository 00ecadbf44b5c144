package join

import "clipfs/clip/mp4"

// addEnd notes samples, the last so far.
func (p *trackPart) addEnd(r mp4.DurationRun) {
	last := &p.ends[len(p.ends)-1]
	if r.Duration == last.Duration {
		last.Count += r.Count // all samples of a part fit 32 bits
		return
	}
	copy(p.ends[:], p.ends[1:])
	*last = r
}

// usual gives how long most of the frames at the end last: one can be cut short, or last until sound goes on.
func (p *trackPart) usual() int64 {
	var most mp4.DurationRun
	for _, r := range p.ends {
		if r.Count >= most.Count {
			most = r
		}
	}
	return int64(most.Duration)
}

// shortened gives the fewest samples at the end that can lose so many ticks together, so that as a whole half is left of
// them; false where ends does not reach far enough back.
func (p *trackPart) shortened(ticks int64) (tail, bool) {
	var t tail
	for i := len(p.ends) - 1; i >= 0 && t.from < 2*ticks; i-- {
		run := p.ends[i]
		if run.Count == 0 {
			break
		}
		each := int64(run.Duration)
		n := min(int64(run.Count), (2*ticks-t.from+each-1)/each)
		t.samples += uint32(n)
		t.from += n * each
	}
	t.to = t.from - ticks
	return t, t.from >= 2*ticks && t.to >= int64(t.samples)
}

// meet makes a part's last sample of video last until the first of the next, which comes at after the first of this one.
// Where that leaves the last sample less than half of its time, as many samples before it are shortened as it takes,
// and all of them if need be. It reports whether every sample still has a tick.
func (p *trackPart) meet(at int64) bool {
	d := at - p.length
	switch {
	case d == p.last && p.tail.samples == 0:
		return true
	case d > 0 && 2*d >= p.last:
		p.tail = tail{samples: 1, to: d}
		return true
	case at < int64(p.samples):
		return false
	}
	if t, ok := p.shortened(p.last - d); ok {
		p.tail = t
		return true
	}
	p.tail = tail{samples: p.samples, from: p.length + p.last, to: at}
	return true
}

// twice gives how many of the last frames of sound a next part has too: its sound is heard from on, and so many frames
// of the same sizes still are then, each for three quarters of it at least. A first frame that lasts longer than others
// is heard that much later: muxers stretch it so that it begins with the pictures. Where all frames have one size, as those
// of silence do, sizes tell nothing.
func (p *trackPart) twice(next *trackPart, from int64) uint32 {
	end := p.due + p.length + p.last
	from += max(0, next.opening-next.frame)
	n := p.count(func(each int64) bool {
		begins := end - each
		behind := 4*(end-from) >= 3*each
		end = begins
		return behind
	})
	if n == 0 || n >= maxTwice || n > next.samples || sameSizes(p.sizes[1]) {
		return 0
	}
	for i := range n {
		if p.sizes[1][maxTwice-n+i] != next.sizes[0][i] {
			return 0
		}
	}
	return n
}

// sameSizes reports whether some frames have one size; those that there are not have size 0.
func sameSizes(sizes [maxTwice]uint32) bool {
	for _, size := range sizes {
		if size != 0 && size != sizes[maxTwice-1] {
			return false
		}
	}
	return true
}

// beyond gives how many of the last frames of sound begin at a time or later.
func (p *trackPart) beyond(from int64) uint32 {
	begins := p.end()
	return p.count(func(each int64) bool {
		begins -= each
		return begins >= from
	})
}

// count counts samples from the last one back while gone tells of their durations, as far as ends reaches, and leaves one.
func (p *trackPart) count(gone func(each int64) bool) uint32 {
	known := uint32(0)
	for _, r := range p.ends {
		known += r.Count // all samples of a part fit 32 bits
	}
	n := uint32(0)
	for i := len(p.ends) - 1; i >= 0; i-- {
		for range p.ends[i].Count {
			if n+1 >= known || !gone(int64(p.ends[i].Duration)) {
				return n
			}
			n++
		}
	}
	return n
}

// leaveOut drops the last samples of sound, as many as count gave.
func (p *trackPart) leaveOut(n uint32) {
	if n == 0 {
		return
	}
	p.samples -= n
	p.drop += n
	p.tail = tail{}
	for i := len(p.ends) - 1; ; i-- {
		gone := min(n, p.ends[i].Count)
		n -= gone
		p.ends[i].Count -= gone
		p.length -= int64(gone) * int64(p.ends[i].Duration)
		if n == 0 && p.ends[i].Count > 0 {
			p.length += p.last - int64(p.ends[i].Duration) // length is up to the last sample
			p.last = int64(p.ends[i].Duration)
			return
		}
	}
}
