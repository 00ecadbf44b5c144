package resolve

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/plan"
	"clipfs/clip/recent"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Options are what a Resolver needs of its clips' settings. All of them have to be set.
type Options struct {
	// Logger takes what is found out of parts that one call does not bring, for debugging.
	Logger *slog.Logger
	// Selector says by which clock spans select fragments.
	Selector archive.Selector
	// ListAgain asks the archive, whatever is remembered, which fragments of a stream start in a span.
	ListAgain func(context.Context, archive.Stream, archive.Span) ([]archive.Fragment, error)
}

// Resolver finds the calls that bring parts. It is safe for concurrent use.
type Resolver struct {
	downloads *download.Downloader
	options   Options
	// settled has what is known of parts that one call does not bring, by SettledKey. It stands on disk too, with the heads.
	settled *lru.Cache[cache.Key, settled]
}

// New gives one that makes its calls through downloads.
func New(downloads *download.Downloader, o Options) *Resolver {
	return &Resolver{downloads: downloads, options: o, settled: recent.Cache[cache.Key, settled](maxSettled)}
}

// stretch is a run of the fragments of a planned part that one call brings, or that none does.
type stretch struct {
	// From and To bound it among the part's fragments, [From, To); AskFrom and AskTo bound what the call asks for.
	From    int `json:"from"`
	To      int `json:"to"`
	AskFrom int `json:"ask_from"`
	AskTo   int `json:"ask_to"`
	// Lost says why no call brings it; "" where one does.
	Lost string `json:"lost,omitempty"`
}

// exactly gives the stretch that a call brings which asks for just that.
func exactly(from, to int) stretch { return stretch{From: from, To: to, AskFrom: from, AskTo: to} }

// settled tells which calls bring a part that one call does not bring.
type settled struct {
	// At is when that was found out.
	At time.Time `json:"at"`
	// Crowded says that the service gives what lies over the part's fragments too; then there are no stretches.
	Crowded   bool      `json:"crowded,omitempty"`
	Stretches []stretch `json:"stretches"`
}

// lostFor is how long it is believed that what is listed is not served.
const lostFor = time.Hour

// old reports whether anything that was not served may be by now.
func (s settled) old() bool {
	for _, p := range s.Stretches {
		if p.Lost != "" {
			return time.Since(s.At) > lostFor
		}
	}
	return false
}

// fits reports whether the stretches are all of a part of so many fragments, in order.
func (s settled) fits(fragments int) bool {
	if s.Crowded {
		return len(s.Stretches) == 0
	}
	next := 0
	for _, p := range s.Stretches {
		if p.From != next || p.To <= p.From || p.AskFrom < 0 || p.AskFrom > p.From || p.AskTo < p.To || p.AskTo > fragments {
			return false
		}
		next = p.To
	}
	return next == fragments
}

const (
	// maxSettled is how many parts are remembered in memory that one call does not bring.
	maxSettled = 4096
	// maxSettledRecord is the most that stands on disk of one, in bytes.
	maxSettledRecord = 64 << 10
)

// SettledKey is the key of the record of what is known of a part whose payload would have a key.
func SettledKey(payload cache.Key) cache.Key { return "s-" + payload }

// knownSettled gives which calls bring a part, if it is known that one does not. It costs no call, and for most parts it does
// not look at the disk.
func (r *Resolver) knownSettled(ctx context.Context, p Part) (settled, bool) {
	key, records := SettledKey(p.Key), r.downloads.Records()
	if !records.Has(key) {
		return settled{}, false
	}
	if s, ok := r.settled.Get(key); ok && s.fits(len(p.Fragments)) {
		return s, true
	}
	b, err := records.Read(ctx, key)
	if err != nil {
		return settled{}, false
	}
	var s settled
	if len(b) > maxSettledRecord || json.Unmarshal(b, &s) != nil || !s.fits(len(p.Fragments)) {
		records.Drop(key)
		return settled{}, false
	}
	r.settled.Add(key, s)
	return s, true
}

// settle notes which calls bring a part, on disk too.
func (r *Resolver) settle(ctx context.Context, p download.Payload, s settled) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("calls of a part: %w", err)
	}
	key, records := SettledKey(p.Key), r.downloads.Records()
	records.Drop(key)
	if err := records.Write(ctx, key, p, time.Time{}, text); err != nil {
		return fmt.Errorf("calls of a part: %w", err)
	}
	r.settled.Add(key, s)
	return nil
}

// unsettle forgets which calls bring a part.
func (r *Resolver) unsettle(p Part) {
	r.downloads.Records().Drop(SettledKey(p.Key))
	r.settled.Remove(SettledKey(p.Key))
}

// HeadKnown reports whether the head of a payload is on disk, or that there is none because one call does not bring it.
func (r *Resolver) HeadKnown(payload cache.Key) bool {
	return r.downloads.HeadKnown(payload) || r.downloads.Records().Has(SettledKey(payload))
}

// superseded is what not to serve of listed footage, in words for people.
const superseded = "ingested over older footage, which alone is served, fragments of"

// parts gives the parts that calls bring of a planned one, as far as that is known: itself, as a rule. known says that one
// call does not bring it.
func (r *Resolver) parts(ctx context.Context, stream archive.Stream, p Part, rule archive.GapRule) (parts []Part, known bool) {
	s, known := r.knownSettled(ctx, p)
	if !known {
		return []Part{p}, false
	}
	if s.Crowded {
		for _, one := range Keyed(r.options.Selector, stream, p.Apart(rule), p.Opening) {
			own, _ := r.parts(ctx, stream, one, rule)
			parts = append(parts, own...)
		}
		return parts, true
	}
	for _, stretch := range s.Stretches {
		own := p.slice(stretch.From, stretch.To)
		own.GapBefore = p.GapBefore && stretch.From == 0
		if own.Lost = stretch.Lost; stretch.AskTo-stretch.AskFrom != stretch.To-stretch.From {
			own.Asked = p.Fragments[stretch.AskFrom:stretch.AskTo:stretch.AskTo]
		}
		own.Key = keyOf(r.options.Selector, stream, own.Part)
		parts = append(parts, own)
	}
	return parts, true
}

// Served gives the parts that calls bring of those that were planned, as far as that is known, and those that none does; of above,
// which lie over older fragments, what no part has.
func (r *Resolver) Served(
	ctx context.Context, stream archive.Stream, planned []Part, above []archive.Fragment, rule archive.GapRule,
) (parts, lost []Part) {
	var all []Part
	given := make(map[archive.FragmentID]bool) // of those over older ones
	for _, p := range planned {
		own, known := r.parts(ctx, stream, p, rule)
		all = append(all, own...)
		if !known {
			continue
		}
		if s, _ := r.knownSettled(ctx, p); s.Crowded {
			for _, f := range p.Over {
				given[f.ID] = true
			}
		}
	}
	parts, lost = plan.Separate(all, func(p *Part) *plan.Part { return &p.Part }, rule)
	over := Part{Part: plan.Part{Lost: superseded}}
	for _, f := range above {
		if !given[f.ID] {
			over.Fragments = append(over.Fragments, f)
		}
	}
	if len(over.Fragments) > 0 {
		lost = append(lost, over)
	}
	return parts, lost
}
