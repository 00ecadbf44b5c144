package told

import (
	"slices"
	"strings"
	"sync"

	"clipfs/clip/recent"

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

// Notes has the sentences about what is unusual in clips, by the key of their version. It is safe for concurrent use.
type Notes struct {
	// mu guards byKey.
	mu    sync.Mutex
	byKey *simplelru.LRU[string, []string]
}

// NewNotes gives no notes.
func NewNotes() *Notes {
	return &Notes{byKey: recent.List[string, []string](maxNoted)}
}

// Add adds a sentence to those of a version, on one line and no longer than it may be, and gives it so. It is empty where the version has that
// sentence, or too many, or where nothing is left of it.
func (n *Notes) Add(key, sentence string) (added string) {
	sentence = strings.ToValidUTF8(strings.Join(strings.Fields(sentence), " "), "�")
	if len(sentence) > maxSentence {
		sentence = strings.ToValidUTF8(sentence[:maxSentence-len("…")], "") + "…"
	}
	if sentence == "" {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	had, _ := n.byKey.Get(key)
	if len(had) >= maxSentences || slices.Contains(had, sentence) {
		return ""
	}
	n.byKey.Add(key, append(slices.Clip(had), sentence))
	return sentence
}

// Of gives the sentences about a version.
func (n *Notes) Of(key string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	had, _ := n.byKey.Peek(key)
	return had
}
