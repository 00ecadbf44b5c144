package hls

import (
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// newCache gives what remembers so many values, and takes its own lock.
func newCache[V any](size int) *lru.Cache[string, V] {
	l, err := lru.New[string, V](size)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return l
}

// newLRU gives what remembers so many values, under a lock of the caller's.
func newLRU[K comparable, V any](size int) *simplelru.LRU[K, V] {
	l, err := simplelru.NewLRU[K, V](size, nil)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return l
}
