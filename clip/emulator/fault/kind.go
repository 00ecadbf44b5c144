package fault

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind says what happens to a call.
type Kind string

// The kinds: see the package's documentation.
const (
	Refuse    Kind = "refuse"
	Reset     Kind = "reset"
	Close     Kind = "close"
	Stall     Kind = "stall"
	Drip      Kind = "drip"
	Status    Kind = "status"
	Throttle  Kind = "throttle"
	Expired   Kind = "expired"
	Denied    Kind = "denied"
	Length    Kind = "length"
	Garbage   Kind = "garbage"
	HTML      Kind = "html"
	Truncate  Kind = "truncate"
	Duplicate Kind = "duplicate"
	Missing   Kind = "missing"
	Endless   Kind = "endless"
	Lie       Kind = "lie"
	Differ    Kind = "differ"
	Skew      Kind = "skew"
	Aged      Kind = "aged"
	Deleted   Kind = "deleted"

	Failure     Kind = "failure"
	Unpersisted Kind = "unpersisted"
	Idle        Kind = "idle"
)

// The operations that some kinds are for alone.
const (
	getClip       = "GetClip"
	listFragments = "ListFragments"
	listStreams   = "ListStreams"
	putMedia      = "PutMedia"
)

// form is how a rule of a kind looks.
type form struct {
	// keys that it takes besides those of all rules, needs those of them that it cannot do without.
	keys, needs []string
	// apis that it is for; none: all but PutMedia.
	apis []string
	// puts: it is for PutMedia too, where a rule names that.
	puts bool
}

// ofPuts reports whether a kind is for PutMedia alone.
func (f form) ofPuts() bool { return slices.Equal(f.apis, []string{putMedia}) }

// forms gives the form of each kind.
func forms() map[Kind]form {
	return map[Kind]form{
		Refuse:    {keys: []string{"for"}},
		Reset:     {keys: []string{"at"}, puts: true},
		Close:     {keys: []string{"at"}, puts: true},
		Stall:     {keys: []string{"at", "for"}, puts: true},
		Drip:      {keys: []string{"at", "rate"}},
		Status:    {keys: []string{"status"}, puts: true},
		Throttle:  {puts: true},
		Expired:   {puts: true},
		Denied:    {puts: true},
		Length:    {keys: []string{"by"}, needs: []string{"by"}},
		Garbage:   {},
		HTML:      {},
		Truncate:  {keys: []string{"at"}},
		Duplicate: {apis: []string{listFragments}},
		Missing:   {apis: []string{listFragments}},
		Endless:   {apis: []string{listFragments, listStreams}},
		Lie:       {keys: []string{"what"}, needs: []string{"what"}, apis: []string{getClip}},
		Differ:    {keys: []string{"at"}, apis: []string{getClip}},
		Skew:      {keys: []string{"by"}, needs: []string{"by"}, puts: true},
		Aged:      {apis: []string{getClip, listFragments}},
		Deleted:   {puts: true},

		Failure:     {keys: []string{"code", "at"}, needs: []string{"code"}, apis: []string{putMedia}, puts: true},
		Unpersisted: {keys: []string{"for"}, apis: []string{putMedia}, puts: true},
		Idle:        {apis: []string{putMedia}, puts: true},
	}
}

// Kinds gives all kinds, by name.
func Kinds() []Kind { return slices.Sorted(maps.Keys(forms())) }

// kindNames lists the kinds for people.
func kindNames() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// KindsOf gives the kinds of rules that can hit calls of an operation, by name; those for PutMedia hit it where they name it.
func KindsOf(api string) []Kind {
	var kinds []Kind
	for _, k := range Kinds() {
		switch f := forms()[k]; {
		case k == Refuse, api == putMedia && f.puts, api != putMedia && len(f.apis) == 0, slices.Contains(f.apis, api):
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// Untruth is what the head of a payload lies about.
type Untruth string

// What a head can lie about: see the package's documentation.
const (
	LieMdat    Untruth = "mdat"
	LieSizes   Untruth = "sizes"
	LieOffsets Untruth = "offsets"
	LieOverlap Untruth = "overlap"
	LieCounts  Untruth = "counts"
	LieMoov    Untruth = "moov"
)

// Untruths gives all of them.
func Untruths() []Untruth {
	return []Untruth{LieMdat, LieSizes, LieOffsets, LieOverlap, LieCounts, LieMoov}
}

// parseUntruth reads the value of what.
func parseUntruth(s string) (Untruth, error) {
	if !slices.Contains(Untruths(), Untruth(s)) {
		return "", fmt.Errorf("%q: want one of %q", s, Untruths())
	}
	return Untruth(s), nil
}
