package streams

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"clipfs/clip/emulator/footage"
)

// Cursor is a place in the order in which one listing gives fragments: by a hash under a seed. The order looks like none, and
// does not change while fragments come and go between two pages, so that no page repeats one and none is left out that was
// there all the time.
//
// It is a hash of their numbers. A listing of more than longListing recorded fragments does not make all of them for each
// page: it goes through blocks of their places, and gives one of each block before another of any. What is sent to the
// stream after such a listing has begun is not in it.
type Cursor struct {
	seed uint64
	// number of the last fragment given; empty before the first, and where the listing is a long one.
	number string
	// long says that the listing is a long one, which goes on in a round behind a block.
	long         bool
	round, block uint64
}

const (
	longListing = 20_000
	// inBlock is how many places a block has, a power of two.
	inBlock = 1024
)

// NewCursor gives the beginning of a listing, in an order of its own.
func NewCursor() Cursor { return Cursor{seed: rand.Uint64()} }

// longMark stands for the number of a fragment where a listing is a long one.
const longMark = "long"

// WriteListing gives a selection and a place in its listing as bytes, for a token.
func WriteListing(sel Selection, c Cursor) string {
	b := []byte{byte(sel.By)}
	for _, v := range []uint64{uint64(sel.Start.UnixMilli()), uint64(sel.End.UnixMilli()), c.seed, c.round, c.block} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	if c.long {
		return string(b) + longMark
	}
	return string(b) + c.number
}

// ReadListing reads what WriteListing gave.
func ReadListing(s string) (Selection, Cursor) {
	at := func(i int) uint64 { return binary.BigEndian.Uint64([]byte(s)[1+8*i:]) }
	sel := Selection{By: footage.Selector(s[0]), Start: time.UnixMilli(int64(at(0))), End: time.UnixMilli(int64(at(1)))}
	c := Cursor{seed: at(2), round: at(3), block: at(4), number: s[1+8*5:]}
	if c.number == longMark {
		c.number, c.long = "", true
	}
	return sel, c
}

// Page gives the fragments of Visible that follow a cursor in its order, at most n, whether there are more, and the cursor
// behind them.
func (s Stream) Page(sel Selection, last Cursor, n int, now time.Time) (page []footage.Fragment, next Cursor, more bool) {
	begins := last.number == "" && !last.long
	if source, ok := s.source.(footage.Numbered); ok && (begins || last.long) {
		first, end := s.places(source, sel, now)
		if last.long || end-first > longListing && len(s.Pushed.Fragments(sel.By, sel.Start, sel.End)) == 0 {
			return last.nextLong(source, first, end, n)
		}
	}
	page, more = last.next(s.Visible(sel, now), n)
	next = last
	if len(page) > 0 {
		next.number = page[len(page)-1].Number
	}
	return page, next, more
}

// places gives the places of the recorded fragments that Visible gives.
func (s Stream) places(source footage.Numbered, sel Selection, now time.Time) (first, end int) {
	if s.Retention == 0 {
		return 0, 0
	}
	first, end = source.Places(footage.ByServer, now.Add(-s.Retention), now)
	from, to := source.Places(sel.By, sel.Start, earlier(sel.End, now))
	first, end = max(first, from), min(end, to)
	return first, max(first, end)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// nextLong gives the fragments of the places from first on and before end that follow the cursor, at most n.
func (c Cursor) nextLong(source footage.Numbered, first, end, n int) (page []footage.Fragment, next Cursor, more bool) {
	type block struct{ number, place uint64 }
	var blocks []block
	for b := uint64(first / inBlock); b*inBlock < uint64(end); b++ {
		blocks = append(blocks, block{b, c.mix(b)})
	}
	order := func(a, b block) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.number, b.number)) }
	slices.SortFunc(blocks, order)
	next = c
	at := 0
	if c.long {
		var found bool
		if at, found = slices.BinarySearchFunc(blocks, block{c.block, c.mix(c.block)}, order); found {
			at++
		}
	}
	for round := c.round; round < inBlock; round++ {
		for ; at < len(blocks); at++ {
			b := blocks[at]
			// An odd factor makes a permutation of a block's places.
			i := int(b.number*inBlock + (round*(b.place>>20|1)+b.place)%inBlock)
			if i < first || i >= end {
				continue
			}
			if len(page) == n {
				return page, next, true
			}
			page = append(page, source.At(i))
			next = Cursor{seed: c.seed, long: true, round: round, block: b.number}
		}
		at = 0
	}
	return page, next, false
}

// next gives the fragments after the cursor, at most n, and whether there are more.
func (c Cursor) next(all []footage.Fragment, n int) (page []footage.Fragment, more bool) {
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
func (c Cursor) place(number string) uint64 {
	// FNV-1a. The last bytes hardly reach its high bits, and consecutive numbers differ in their last bytes only, so
	// the halves are mixed once more.
	x := c.seed ^ 14695981039346656037
	for i := range len(number) {
		x = (x ^ uint64(number[i])) * 1099511628211
	}
	x = (x ^ x>>32) * 0x9e3779b97f4a7c15
	return x ^ x>>29
}

// mix gives where a block stands in the order of the seed (the finalizer of SplitMix64).
func (c Cursor) mix(block uint64) uint64 {
	x := block + c.seed
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
