// Package recent remembers what was used last, up to a number that is more than 0.
package recent

import (
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Cache gives an empty memory that takes its own lock.
func Cache[K comparable, V any](most int) *lru.Cache[K, V] {
	l, err := lru.New[K, V](most)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return l
}

// List gives an empty memory under a lock of the caller's.
func List[K comparable, V any](most int) *simplelru.LRU[K, V] {
	l, err := simplelru.NewLRU[K, V](most, nil)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return l
}
