package session

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"

	"golang.org/x/time/rate"
)

const (
	// maxSessions is how many a stream has of a protocol; one more revokes the oldest (API reference).
	maxSessions = 10
	// silence is for how long a stream that is played live may bring nothing (API reference, ResourceNotFoundException).
	silence = 30 * time.Second
	// defaultExpires is how long a session lasts if nothing is said; defaultLive and defaultStored are how many fragments a playlist
	// has then (API reference).
	defaultExpires             = 300
	defaultLive, defaultStored = 5, 5000
	// listCalls and mediaCalls are how often a session's playlists and init fragments, and its media, may be asked for, a second.
	listCalls, mediaCalls = 5, 20
)

// Protocol is how a session is played.
type Protocol int

// The protocols.
const (
	HLS Protocol = iota
	DASH
)

// Source is where the fragments of a session come from.
type Source struct {
	// Stream tells it as it is at the moment.
	Stream func() (streams.Stream, error)
	// NoQuota leaves out how often resources may be asked for.
	NoQuota bool
}

// Session is one streaming session.
type Session struct {
	source   Source
	stream   streams.Stream
	protocol Protocol
	token    string
	order    Order
	mode     mode
	by       footage.Selector
	// start and end bound what is played of what is stored; the zero end is none.
	start, end       time.Time
	created, expires time.Time
	lists, media     *rate.Limiter

	timeline timeline
}

// mode is how a session goes on.
type mode int

const (
	live mode = iota
	replay
	onDemand
)

// Table holds the sessions. The zero value is empty. It is safe for concurrent use.
type Table struct {
	mu       sync.Mutex // mu guards sessions, oldest first
	sessions []*Session
}

// Open opens a session at a time and gives its token. Errors are those of the service, and of the media of its first fragment (package
// footage).
func (t *Table) Open(p Protocol, o Order, source Source, now time.Time) (token string, err error) {
	s := &Session{source: source, protocol: p, order: o, created: now}
	if s.stream, err = source.Stream(); err != nil {
		return "", err
	}
	if err := s.read(now); err != nil {
		return "", err
	}
	if err := s.begin(now); err != nil {
		return "", err
	}
	var random [48]byte
	_, _ = rand.Read(random[:]) // It never fails (crypto/rand).
	s.token = base64.RawURLEncoding.EncodeToString(random[:])
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sessions = slices.DeleteFunc(t.sessions, func(o *Session) bool { return !now.Before(o.expires) })
	t.sessions = append(t.sessions, s)
	of := 0
	for i, o := range slices.Backward(t.sessions) {
		if o.protocol != p || o.stream.String() != s.stream.String() {
			continue
		}
		if of++; of > maxSessions {
			t.sessions = slices.Delete(t.sessions, i, i+1)
		}
	}
	return s.token, nil
}

// find gives the session of a token.
func (t *Table) find(p Protocol, token string, now time.Time) (*Session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.sessions {
		if s.token == token && s.protocol == p && now.Before(s.expires) {
			return s, nil
		}
	}
	return nil, wire.Refuse(wire.AccessDenied, "Streaming session token is expired")
}

// read reads what is asked for, and refuses what does not fit together.
func (s *Session) read(now time.Time) error {
	o := &s.order
	sel := o.Selector
	if sel == nil {
		sel = &Selector{}
	}
	if sel.FragmentSelectorType == "SERVER_TIMESTAMP" || sel.FragmentSelectorType == "" {
		s.by = footage.ByServer
	}
	switch o.PlaybackMode {
	case "LIVE_REPLAY":
		s.mode = replay
	case "ON_DEMAND":
		s.mode = onDemand
	}
	o.Expires = cmp.Or(o.Expires, defaultExpires)
	s.expires = now.Add(time.Duration(o.Expires) * time.Second)
	if s.mode == onDemand {
		o.MaxResults = cmp.Or(o.MaxResults, defaultStored)
	}
	o.MaxResults = cmp.Or(o.MaxResults, defaultLive)
	if o.DiscontinuityMode == "" {
		o.DiscontinuityMode = "NEVER"
		if s.by == footage.ByServer {
			o.DiscontinuityMode = "ALWAYS"
		}
	}
	off := rate.Limit(rate.Inf)
	s.lists, s.media = rate.NewLimiter(off, 0), rate.NewLimiter(off, 0)
	if !s.source.NoQuota {
		s.lists, s.media = rate.NewLimiter(listCalls, listCalls), rate.NewLimiter(mediaCalls, mediaCalls)
	}
	return s.readRange(sel, now)
}

// readRange reads the range of what is stored.
func (s *Session) readRange(sel *Selector, now time.Time) error {
	r := sel.TimestampRange
	if s.mode == live {
		if r != nil && (r.StartTimestamp != nil || r.EndTimestamp != nil) {
			return wire.Invalid("TimestampRange should not be set where PlaybackMode is LIVE.")
		}
		return nil
	}
	switch {
	case r == nil || r.StartTimestamp == nil || sel.FragmentSelectorType == "":
		return wire.Invalid("FragmentSelectorType and StartTimestamp are required where PlaybackMode is %s.", s.order.PlaybackMode)
	case r.EndTimestamp == nil && s.mode == onDemand:
		return wire.Invalid("EndTimestamp is required where PlaybackMode is ON_DEMAND.")
	}
	s.start = r.StartTimestamp.Time
	if r.EndTimestamp == nil {
		return nil
	}
	s.end = r.EndTimestamp.Time
	return streams.Selection{By: s.by, Start: s.start, End: s.end}.CheckSpan(now)
}

// noFragments is what is answered where there is nothing to play.
func noFragments() error {
	return wire.Refuse(wire.NotFound, "No fragments found in the stream for the streaming request.")
}

// checkMedia refuses a fragment that is not coded as the first of its session.
func (s *Session) checkMedia(f footage.Fragment) error {
	if err := footage.Check([]footage.Fragment{s.timeline.first, f}); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}
