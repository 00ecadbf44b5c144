package fault

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// Call is what a rule can tell of a call.
type Call struct {
	API, Stream string
	// Key is the credentials that it was signed with.
	Key string
}

// ID is the number of a rule in its table.
type ID int64

// Set is a rule that a table holds.
type Set struct {
	ID   ID
	Rule Rule
	// Hits is how many calls it has hit.
	Hits int64
	// Key is the credentials that have expired, once there are such.
	Key string

	met int64 // calls that it would have hit, with those let pass
}

// Table is the rules in force. The zero value holds none. It is safe for concurrent use.
type Table struct {
	mu    sync.Mutex // mu guards what follows
	last  ID
	rules []*Set
}

// Add puts a rule at the end of the table.
func (t *Table) Add(r Rule) Set {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	s := &Set{ID: t.last, Rule: r}
	t.rules = append(t.rules, s)
	return *s
}

// List gives the rules in their order.
func (t *Table) List() []Set {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Set, len(t.rules))
	for i, s := range t.rules {
		all[i] = *s
	}
	return all
}

// Remove takes a rule out, and reports whether it was there.
func (t *Table) Remove(id ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.rules)
	t.rules = slices.DeleteFunc(t.rules, func(s *Set) bool { return s.ID == id })
	return len(t.rules) < before
}

// Clear takes all rules out.
func (t *Table) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rules = nil
}

// Meet gives the rule that hits a call, if one does, and counts it.
func (t *Table) Meet(c Call) (Rule, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.rules {
		if s.hits(c) {
			s.Hits++
			return s.Rule, true
		}
	}
	return Rule{}, false
}

// hits decides whether a rule hits a call. It is not asked twice about one.
func (s *Set) hits(c Call) bool {
	r := s.Rule
	if r.Kind == Refuse || (r.API != "" && r.API != c.API) || (r.Stream != "" && r.Stream != c.Stream) {
		return false
	}
	if c.API == putMedia && r.API == "" && !forms()[r.Kind].ofPuts() {
		return false
	}
	if apis := forms()[r.Kind].apis; len(apis) > 0 && !slices.Contains(apis, c.API) {
		return false
	}
	if r.Count > 0 && s.Hits == r.Count || r.Chance < 1 && rand.Float64() >= r.Chance {
		return false
	}
	if s.met++; s.met <= r.Skip {
		return false
	}
	if r.Kind == Expired {
		if s.Key == "" {
			s.Key = c.Key
		}
		return s.Key == c.Key
	}
	return true
}
