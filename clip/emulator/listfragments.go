package emulator

import (
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
func (s *Server) openListing(st streams.Stream, given *streams.Selection, token string) (streams.Selection, streams.Cursor, error) {
	switch {
	case token == "" && given == nil:
		return streams.Selection{}, streams.Cursor{}, wire.Invalid("FragmentSelector is required where there is no NextToken.")
	case token == "":
		return *given, streams.NewCursor(), nil
	}
	text, err := s.tokens.Open(listingOf(st), token)
	if err != nil {
		return streams.Selection{}, streams.Cursor{}, err
	}
	sel, last := streams.ReadListing(text)
	if given != nil && given.String() != sel.String() {
		return streams.Selection{}, streams.Cursor{}, wire.InvalidToken()
	}
	return sel, last, nil
}

// listingOf is what the tokens of a stream's listings are bound to.
func listingOf(st streams.Stream) string { return "ListFragments " + st.String() }

// fragmentPage gives the page of a listing that begins behind a place.
func (s *Server) fragmentPage(c *call, st streams.Stream, sel streams.Selection, last streams.Cursor, size int) (any, error) {
	page, next, more := st.Page(sel, last, size, c.now)
	if !more {
		next = streams.NewCursor() // a finished listing starts over, in another order
	}
	page, more = c.mislist(st, sel, page, more)
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
		out.NextToken = s.tokens.Seal(listingOf(st), streams.WriteListing(sel, next))
	}
	c.fragments = len(page)
	return out, nil
}

const (
	// missingEvery is one in how many fragments a page lacks.
	missingEvery = 10
	// comesAgain is how many of a listing's fragments stand on each of its pages.
	comesAgain = 10
)

// mislist gives a page of a listing, and whether there are more, as a fault has them.
func (c *call) mislist(st streams.Stream, sel streams.Selection, page []footage.Fragment, more bool) ([]footage.Fragment, bool) {
	switch {
	case c.has(fault.Duplicate):
		all := st.Visible(sel, c.now)
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
