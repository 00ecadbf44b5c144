package resolve

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4/join"
	"clipfs/clip/plan"
)

// noMP4 begins the reason of a stretch that the service makes no MP4 of; why follows in parentheses.
const noMP4 = "the service makes no MP4 of fragments of"

// Part is a planned part with the key of its payload.
type Part struct {
	plan.Part
	Key cache.Key
	// Opening is the number of the opening of a clip that it is for; 0 for none.
	Opening uint64
}

// slice is the part of some of the fragments, whose payload has no key yet.
func (p Part) slice(from, to int) Part { return Part{Part: p.Slice(from, to), Opening: p.Opening} }

// Unservable reports whether no call brings a part because the service makes no MP4 of it.
func (p *Part) Unservable() bool { return strings.HasPrefix(p.Lost, noMP4) }

// Word tells a part of a joined file from all others that would make other bytes in its place.
func (p *Part) Word() string {
	if p.GapBefore {
		return "gap," + string(p.Key)
	}
	return string(p.Key)
}

// Listed gives what the listing says of a part's fragments; nil where it does not tell how long its payload lasts:
// where it says nothing, where times are the server's, which are not the media's, and where fragments overlap, of which
// the service may make anything.
func (p Part) Listed(by archive.Selector) []join.Fragment {
	if !p.clear(by) {
		return nil
	}
	all := make([]join.Fragment, 0, len(p.Fragments))
	for _, f := range p.Fragments {
		all = append(all, join.Fragment{Start: f.Time(by).Sub(p.Fragments[0].Time(by)), Length: f.Length, Size: f.Size})
	}
	return all
}

// clear reports whether the listing tells just when each fragment plays.
func (p Part) clear(by archive.Selector) bool {
	if by != archive.ByProducer {
		return false
	}
	rule := archive.GapRule{By: by}
	for i := range p.Fragments {
		if i > 0 && rule.Overlaps(p.Fragments, i) {
			return false
		}
	}
	return len(p.Fragments) > 0
}

// Keyed gives planned parts of a stream, whose spans select fragments by a clock, the keys of their payloads. They are for an opening
// of this number, 0 for none.
func Keyed(by archive.Selector, stream archive.Stream, planned []plan.Part, opening uint64) []Part {
	parts := make([]Part, len(planned))
	var k keyer
	for i, p := range planned {
		parts[i] = Part{Part: p, Key: k.keyOf(by, stream, p), Opening: opening}
	}
	return parts
}

// PayloadKey gives the key of the payload of a call that brings just the fragments that it asks for.
func PayloadKey(by archive.Selector, stream archive.Stream, fragments []archive.Fragment) cache.Key {
	var k keyer
	return k.partKey(by, stream, fragments)
}

// keyOf is keyer.keyOf for one part.
func keyOf(by archive.Selector, stream archive.Stream, p plan.Part) cache.Key {
	var k keyer
	return k.keyOf(by, stream, p)
}

// partKey gives the key of a run of fragments: by their numbers, never by the span, so that footage that arrives
// later is never hidden by what was there before.
func (k *keyer) partKey(by archive.Selector, stream archive.Stream, fragments []archive.Fragment) cache.Key {
	k.text = slices.Grow(k.text[:0], 64*(len(fragments)+2))
	k.word(stream.Identity())
	k.word(by.String())
	for i := range fragments {
		k.word(string(fragments[i].ID))
	}
	return k.key("p")
}

// keyOf is the key of the payload of a part: by all fragments that are asked for, and by those that are to come.
func (k *keyer) keyOf(by archive.Selector, stream archive.Stream, p plan.Part) cache.Key {
	asked := p.Calls(by)
	if len(asked) == len(p.Fragments) {
		return k.partKey(by, stream, p.Fragments)
	}
	return HashKey("p", string(k.partKey(by, stream, asked)), string(k.partKey(by, stream, p.Fragments)))
}

// HashKey gives a key that tells apart all sequences of words; kind comes before it.
func HashKey(kind string, words ...string) cache.Key {
	var k keyer
	for _, w := range words {
		k.word(w)
	}
	return k.key(kind)
}

// keyer makes keys of words. Its memory serves one key after the other.
type keyer struct{ text []byte }

// word adds a word, so that no two sequences of words look alike.
func (k *keyer) word(w string) {
	k.text = append(strconv.AppendInt(k.text, int64(len(w)), 10), ':')
	k.text = append(append(k.text, w...), ',')
}

// key gives the key of the words; kind comes before it.
func (k *keyer) key(kind string) cache.Key {
	sum := sha256.Sum256(k.text)
	return cache.Key(kind + "-" + hex.EncodeToString(sum[:16]))
}
