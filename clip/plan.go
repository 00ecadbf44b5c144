package clip

// What one GetClip call carries (API reference, GetClip: "a maximum of 200 fragments or 100 MB"). Sizes are those of
// the stored Matroska, and MP4 can be larger, so a part keeps a tenth in hand.
const (
	maxPartFragments = 200
	maxPartBytes     = 90_000_000
)

// part is the piece of a clip that one GetClip call covers: a run of fragments without a gap, within the limits.
type part struct {
	fragments []Fragment
}

// plan cuts fragments, in the order of their times, into parts.
func plan(fragments []Fragment, rule gapRule) []part {
	var parts []part
	begin, bytes := 0, int64(0)
	for i, f := range fragments {
		full := i-begin == maxPartFragments || bytes+f.Size > maxPartBytes
		if i > begin && (full || rule.between(fragments[i-1], f)) {
			parts = append(parts, part{fragments[begin:i:i]})
			begin, bytes = i, 0
		}
		bytes += f.Size
	}
	if begin < len(fragments) {
		parts = append(parts, part{fragments[begin:]})
	}
	return parts
}

// query asks for exactly the part's fragments, whatever arrives after them: from the first one's time to the last's.
func (p part) query(stream StreamName, by Selector) PayloadQuery {
	first, last := p.fragments[0].Time(by), p.fragments[len(p.fragments)-1].Time(by)
	span := Span{Start: first, End: last.Add(Grain)}
	if !last.After(first) {
		// The service wants its inclusive end after its start.
		span.End = first.Add(2 * Grain)
	}
	return PayloadQuery{Stream: stream, Selector: by, Span: span, Fragments: len(p.fragments)}
}
