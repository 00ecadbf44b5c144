package clip

// Held tells how much of the timelines is in memory: fragments, and hours.
func Held(l *Library) (fragments, hours int) {
	l.timeline.mu.Lock()
	defer l.timeline.mu.Unlock()
	return l.timeline.buckets.held, l.timeline.buckets.lru.Len()
}
