package clip

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// What bounds notes. Few clips have any; a clip whose notes were let go has them again when it is opened next.
const (
	// maxNoted is how many versions of clips have notes at once.
	maxNoted = 1024
	// maxSentences is how many sentences a version has at most, and maxSentence how long one is at most, in bytes. All of them
	// fit an extended attribute of Linux (64 KiB) many times over.
	maxSentences, maxSentence = 16, 512
)

// notes has the sentences about what is unusual in clips, by the key of their version. It is safe for concurrent use.
type notes struct {
	// mu guards byKey.
	mu    sync.Mutex
	byKey *simplelru.LRU[string, []string]
}

// newNotes gives no notes.
func newNotes() *notes {
	byKey, err := simplelru.NewLRU[string, []string](maxNoted, nil)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return &notes{byKey: byKey}
}

// add adds a sentence to those of a version. It gives false where the version has that sentence, or too many.
func (n *notes) add(key, sentence string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	had, _ := n.byKey.Get(key)
	if len(had) >= maxSentences || slices.Contains(had, sentence) {
		return false
	}
	n.byKey.Add(key, append(slices.Clip(had), sentence))
	return true
}

// of gives the sentences about a version.
func (n *notes) of(key string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	had, _ := n.byKey.Peek(key)
	return had
}

// clock writes a time of day, UTC to the millisecond.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// maxListed is how many fragments a sentence names one by one.
const maxListed = 8

// times names times, the first ones one by one.
func times(all []time.Time) string {
	var b strings.Builder
	for i, at := range all {
		switch {
		case i == maxListed:
			fmt.Fprintf(&b, " and %d more up to %s", len(all)-i, clock(all[len(all)-1]))
			return b.String()
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(clock(at))
	}
	return b.String()
}
