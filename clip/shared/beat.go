package shared

import (
	"context"
	"time"
)

const (
	// beat is how often a host rewrites its beat, slowBeat how often where it has got no further for slowAfter, as one that waits for quota.
	beat, slowBeat, slowAfter = 500 * time.Millisecond, 2 * time.Second, 4 * time.Second
	// beats is how many of these times a beat may stand still, and Options.Timeout, before another host takes over.
	beats = 3
	// maxBeat is the most that is read of a beat, maxSights how many hosts are remembered.
	maxBeat, maxSights = 1024, 1024
	// holderLetters are those of the names of hosts (rand.Text), holderLength how many they have.
	holderLetters, holderLength = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 26
)

// beatText is what stands in a beat. Every is how many milliseconds its host lets pass until it rewrites it.
type beatText struct {
	Beat  int64 `json:"beat"`
	Every int64 `json:"every"`
}

// sight is what this host has seen of the beat of another one.
type sight struct {
	etag  string
	every time.Duration
	// asked is when it was last read, moved when it was last another one than before, by the clock of this host.
	asked, moved time.Time
	// gone says that it has stood still for too long where this host waited for it: others of its leases are not waited for until it moves.
	gone bool
}

// beatFolder is where beats are, beside the folders of accounts.
const beatFolder = "hosts/"

// validHolder reports whether a text can be the name of a host.
func validHolder(text string) bool { return len(text) == holderLength && consists(text, holderLetters) }

func (l *leases) beatOf(holder string) string { return l.root + beatFolder + holder }

// pulseLocked has this host rewrite its beat as long as others may wait for it.
func (l *leases) pulseLocked() {
	if l.beating || l.ctx.Err() != nil {
		return
	}
	l.beating, l.moved = true, time.Now()
	l.running.Go(func() {
		for every := l.pulse(); every > 0; every = l.pulse() {
			l.rest(every, nil)
		}
	})
}

// pulse rewrites the beat once, and gives when to do so again; 0 where nobody waits for this host any more.
func (l *leases) pulse() (every time.Duration) {
	l.mu.Lock()
	busy := false
	for _, g := range l.groups {
		busy = busy || g.busy
	}
	if l.beating = busy && !l.deaf && l.ctx.Err() == nil; !l.beating {
		l.mu.Unlock()
		return 0
	}
	every = beat
	if time.Since(l.moved) >= slowAfter {
		every = slowBeat
	}
	l.count++
	text := beatText{l.count, every.Milliseconds()}
	l.mu.Unlock()
	if !l.allows() {
		return every
	}
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout)
	defer cancel()
	_, err := l.write(ctx, l.beatOf(l.holder), text, Condition{}) // else others see it stand still
	l.mu.Lock()
	try := err == nil && !l.tried
	l.tried = l.tried || try
	l.mu.Unlock()
	if try { // there is one now
		if _, err := l.write(ctx, l.beatOf(l.holder), text, Condition{Absent: true}); err == nil {
			l.ignored()
		}
	}
	return every
}

// probe writes a beat out of its turn.
func (l *leases) probe(ctx context.Context) error {
	l.mu.Lock()
	l.count++
	text := beatText{l.count, slowBeat.Milliseconds()}
	l.mu.Unlock()
	_, err := l.write(ctx, l.beatOf(l.holder), text, Condition{})
	return err
}

// alive reports whether another host is at it, for a follower that waits for it since a time.
func (l *leases) alive(holder string, since time.Time) bool {
	l.mu.Lock()
	s := l.sights[holder]
	if s == nil {
		if len(l.sights) >= maxSights {
			clear(l.sights)
		}
		s = &sight{every: beat}
		l.sights[holder] = s
	}
	ask := time.Since(s.asked) >= beat*4/5
	if ask {
		s.asked = time.Now()
	}
	l.mu.Unlock()
	if ask {
		l.see(holder, s)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.moved.After(since) {
		since = s.moved
	}
	s.gone = s.gone || time.Since(since) > beats*s.every+l.timeout
	return !s.gone
}

// see reads the beat of another host. One that has none yet, or cannot be read, stands still.
func (l *leases) see(holder string, s *sight) {
	var text beatText
	etag, err := l.read(l.beatOf(holder), maxBeat, &text)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if etag != s.etag {
		s.etag, s.moved, s.gone = etag, time.Now(), false
		s.every = min(max(beat, time.Duration(text.Every)*time.Millisecond), slowBeat)
	}
}
