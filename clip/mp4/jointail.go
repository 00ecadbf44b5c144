package mp4

// tail changes the durations of the last samples of a part: they last to ticks together where they lasted from, each in
// proportion, to the nearest tick but at least one. Of a single one, from does not count.
type tail struct {
	samples  uint32
	from, to int64
	// was and is are what the samples that next was called for lasted, and what they last now.
	was, is int64
}

// next gives how long the next sample of the tail lasts, which lasted duration.
func (t *tail) next(duration int64) int64 {
	t.samples--
	t.was += duration
	end := t.to
	if t.samples > 0 {
		scaled, _ := convert(t.was, uint64(t.from), uint64(t.to)) // less than to
		end = min(max(scaled, t.is+1), t.to-int64(t.samples))
	}
	d := end - t.is
	t.is = end
	return d
}

// addEnd notes samples, the last so far.
func (p *trackPart) addEnd(r DurationRun) {
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
	var most DurationRun
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
