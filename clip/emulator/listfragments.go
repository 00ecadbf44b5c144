package emulator

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

// defaultFragmentPage is how many fragments a page has if MaxResults is not given (API reference, ListFragments).
const defaultFragmentPage = 100

// fragmentOutput is a Fragment on the wire.
type fragmentOutput struct {
	FragmentNumber               string
	FragmentSizeInBytes          int64
	ProducerTimestamp            wire.Timestamp
	ServerTimestamp              wire.Timestamp
	FragmentLengthInMilliseconds int64
}

// listFragmentsInput is the input of ListFragments.
type listFragmentsInput struct {
	wire.StreamRef
	MaxResults       *int
	NextToken        string
	FragmentSelector *streams.Selector
}

// listFragments tells which fragments start in a range of time, in no order, even across pages.
func (s *Server) listFragments(c *call, in listFragmentsInput) (any, error) {
	size := defaultFragmentPage
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	var given *streams.Selection
	if in.FragmentSelector != nil {
		sel := in.FragmentSelector.Read()
		if sel.End.Before(sel.Start) {
			return nil, wire.Invalid("StartTimestamp is after EndTimestamp.")
		}
		given = &sel
	}
	st, err := s.find(c, in.StreamRef)
	if err != nil {
		return nil, err
	}
	sel, last, err := s.openListing(st, given, in.NextToken)
	if err != nil {
		return nil, err
	}
	if err := sel.CheckRetention(st, c.now); err != nil {
		return nil, err
	}
	if err := st.Quota.Points(c.now, 0, size); err != nil {
		return nil, err
	}
	return s.fragmentPage(c, st, sel, last, size)
}

// openListing says what a call lists, and from which place on. A token continues the listing that it came from, with or
// without that listing's selector; with another one it is refused.
func (s *Server) openListing(st streams.Stream, given *streams.Selection, token string) (streams.Selection, fragmentCursor, error) {
	switch {
	case token == "" && given == nil:
		return streams.Selection{}, fragmentCursor{}, wire.Invalid("FragmentSelector is required where there is no NextToken.")
	case token == "":
		return *given, fragmentCursor{seed: rand.Uint64()}, nil
	}
	text, err := s.tokens.Open(listingOf(st), token)
	if err != nil {
		return streams.Selection{}, fragmentCursor{}, err
	}
	sel, last := readListing(text)
	if given != nil && given.String() != sel.String() {
		return streams.Selection{}, fragmentCursor{}, wire.InvalidToken()
	}
	return sel, last, nil
}

// listingOf is what the tokens of a stream's listings are bound to.
func listingOf(st streams.Stream) string { return "ListFragments " + st.String() }

// fragmentPage gives the page of a listing that begins behind a place.
func (s *Server) fragmentPage(c *call, st streams.Stream, sel streams.Selection, last fragmentCursor, size int) (any, error) {
	all := st.Visible(sel, c.now)
	page, more := last.next(all, size)
	next := again()
	if more {
		next = fragmentCursor{seed: last.seed, number: page[len(page)-1].Number}
	}
	page, more = c.mislist(all, page, more)
	out := struct {
		Fragments []fragmentOutput
		NextToken string `json:",omitempty"`
	}{Fragments: make([]fragmentOutput, len(page))}
	for i, f := range page {
		out.Fragments[i] = fragmentOutput{
			FragmentNumber:               f.Number,
			FragmentSizeInBytes:          f.Size,
			ProducerTimestamp:            wire.Timestamp{Time: f.Producer},
			ServerTimestamp:              wire.Timestamp{Time: f.Server},
			FragmentLengthInMilliseconds: f.Length.Milliseconds(),
		}
	}
	if more {
		out.NextToken = s.tokens.Seal(listingOf(st), writeListing(sel, next))
	}
	c.fragments = len(page)
	return out, nil
}

// fragmentCursor is a place in the order in which one listing gives fragments: by a hash of their numbers under a
// seed. The order looks like none, and does not change while fragments come and go between two pages, so that no page
// repeats one and none is left out that was there all the time.
type fragmentCursor struct {
	seed uint64
	// number of the last fragment given; empty before the first.
	number string
}

// again gives the place from which a finished listing starts over, in another order.
func again() fragmentCursor { return fragmentCursor{seed: rand.Uint64()} }

// writeListing gives a selection and a place in its listing as bytes, for a token.
func writeListing(sel streams.Selection, c fragmentCursor) string {
	b := []byte{byte(sel.By)}
	for _, v := range []uint64{uint64(sel.Start.UnixMilli()), uint64(sel.End.UnixMilli()), c.seed} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return string(b) + c.number
}

// readListing reads what writeListing gave.
func readListing(s string) (streams.Selection, fragmentCursor) {
	at := func(i int) uint64 { return binary.BigEndian.Uint64([]byte(s)[1+8*i:]) }
	sel := streams.Selection{By: footage.Selector(s[0]), Start: time.UnixMilli(int64(at(0))), End: time.UnixMilli(int64(at(1)))}
	return sel, fragmentCursor{seed: at(2), number: s[1+8*3:]}
}

// next gives the fragments after the cursor, at most n, and whether there are more.
func (c fragmentCursor) next(all []footage.Fragment, n int) (page []footage.Fragment, more bool) {
	// Small values are sorted instead of fragments: a listing of a day sorts tens of thousands for each page.
	type placed struct {
		place uint64
		index int
	}
	last := c.place(c.number)
	var rest []placed
	for i := range all {
		p := c.place(all[i].Number)
		if c.number == "" || p > last || p == last && all[i].Number > c.number {
			rest = append(rest, placed{p, i})
		}
	}
	slices.SortFunc(rest, func(a, b placed) int {
		if a.place != b.place {
			return cmp.Compare(a.place, b.place)
		}
		return cmp.Compare(all[a.index].Number, all[b.index].Number)
	})
	more = len(rest) > n
	for _, p := range rest[:min(n, len(rest))] {
		page = append(page, all[p.index])
	}
	return page, more
}

// place gives where a number stands in the order of the seed.
func (c fragmentCursor) place(number string) uint64 {
	// FNV-1a. The last bytes hardly reach its high bits, and consecutive numbers differ in their last bytes only, so
	// the halves are mixed once more.
	x := c.seed ^ 14695981039346656037
	for i := range len(number) {
		x = (x ^ uint64(number[i])) * 1099511628211
	}
	x = (x ^ x>>32) * 0x9e3779b97f4a7c15
	return x ^ x>>29
}

const (
	// missingEvery is one in how many fragments a page lacks.
	missingEvery = 10
	// comesAgain is how many of a listing's fragments stand on each of its pages.
	comesAgain = 10
)

// mislist gives a page of a listing of all, and whether there are more, as a fault has them.
func (c *call) mislist(all, page []footage.Fragment, more bool) ([]footage.Fragment, bool) {
	switch {
	case c.has(fault.Duplicate):
		page = append(append(page[:len(page):len(page)], page...), all[:min(comesAgain, len(all))]...)
	case c.has(fault.Missing):
		var kept []footage.Fragment
		for i, f := range page {
			if i%missingEvery != 0 {
				kept = append(kept, f)
			}
		}
		page = kept
	case c.has(fault.Endless):
		more = true
	}
	return page, more
}
