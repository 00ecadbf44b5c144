package emulator

import (
	"cmp"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"clipfs/clip/emulator/footage"
)

const (
	// defaultFragmentPage is how many fragments a page has if MaxResults is not given, maxFragmentPage the most that
	// may be asked for (API reference, ListFragments).
	defaultFragmentPage = 100
	maxFragmentPage     = 1000
)

// fragmentOutput is a Fragment on the wire.
type fragmentOutput struct {
	FragmentNumber               string
	FragmentSizeInBytes          int64
	ProducerTimestamp            timestamp
	ServerTimestamp              timestamp
	FragmentLengthInMilliseconds int64
}

// listFragments tells which fragments start in a range of time, in no order, even across pages.
func (s *Server) listFragments(_ context.Context, c *call) (answer, error) {
	var in struct {
		streamRef
		MaxResults       *int
		NextToken        string
		FragmentSelector *selectorInput
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	size := defaultFragmentPage
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if size < 1 || size > maxFragmentPage {
		return nil, invalid("MaxResults %d: want 1 to %d.", size, maxFragmentPage)
	}
	// Without a selector it is everything that is retained.
	sel := selection{by: footage.ByServer, end: time.UnixMilli(maxEpochSeconds * 1000)}
	if in.FragmentSelector != nil {
		var err error
		if sel, err = in.FragmentSelector.read(); err != nil {
			return nil, err
		}
	}
	if sel.end.Before(sel.start) {
		return nil, invalid("StartTimestamp is after EndTimestamp.")
	}
	st, err := s.find(c, in.streamRef)
	if err != nil {
		return nil, err
	}
	if err := sel.checkRetention(st, c.now); err != nil {
		return nil, err
	}
	if err := st.quota.points(c.now, 0, size); err != nil {
		return nil, err
	}
	return s.fragmentPage(c, st, sel, in.NextToken, size)
}

// fragmentPage gives the page that a token continues, or the first.
func (s *Server) fragmentPage(c *call, st stream, sel selection, token string, size int) (answer, error) {
	query := "ListFragments " + st.arn() + " " + sel.String()
	last := fragmentCursor{seed: rand.Uint64()}
	if token != "" {
		cursor, err := s.tokens.open(query, token)
		if err != nil {
			return nil, err
		}
		last = readCursor(cursor)
	}
	all := visible(st, sel, c.now)
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
			ProducerTimestamp:            timestamp{f.Producer},
			ServerTimestamp:              timestamp{f.Server},
			FragmentLengthInMilliseconds: f.Length.Milliseconds(),
		}
	}
	if more {
		out.NextToken = s.tokens.seal(query, next.String())
	}
	c.fragments = len(page)
	return reply(out)
}

// fragmentCursor is a place in the order in which one listing gives fragments: by a hash of their numbers under a
// seed. The order looks like none, and does not change while fragments come and go between two pages, so that no page
// repeats one and none is left out that was there all the time.
type fragmentCursor struct {
	seed uint64
	// number of the last fragment given; empty before the first.
	number string
}

// readCursor reads what String gave.
func readCursor(s string) fragmentCursor {
	return fragmentCursor{seed: binary.BigEndian.Uint64([]byte(s)), number: s[8:]}
}

// String gives the cursor as bytes.
func (c fragmentCursor) String() string {
	return string(binary.BigEndian.AppendUint64(nil, c.seed)) + c.number
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
