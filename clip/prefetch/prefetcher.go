package prefetch

import (
	"time"

	"clipfs/cache"
	"clipfs/clip/download"
)

// Options say how much may be fetched that nobody waits for.
type Options struct {
	// Eager is how many bytes of an open clip may be fetched at most before they are asked for, all that are missing.
	Eager int64
	// ReadAhead is how many bytes are prefetched for a program that reads front to back; less than 0 means none.
	ReadAhead int64
	// Connections is how many downloads run at once.
	Connections int
	// Copiers names programs that are taken to read each clip whole, until one does not. While such a program opens its first at most copierTimes
	// ReadAhead comes.
	Copiers []string
}

// Store is where payloads are. A *cache.Cache is one.
type Store interface {
	// Has reports whether all bytes of a key are there.
	Has(key cache.Key) bool
	Stats() cache.Stats
}

// File is the media of an open clip of many parts. Its functions give of each part the payload, and which bytes of the file it has.
type File struct {
	Parts   int
	Payload func(part int) *download.Payload
	Bounds  func(part int) (start, end int64)
}

// media gives how many bytes it has, and how long they play.
func (f File) media() (size int64, plays time.Duration) {
	for i := range f.Parts {
		start, end := f.Bounds(i)
		size += end - start
		p := f.Payload(i)
		plays += p.End.Sub(p.Start)
	}
	return size, plays
}

// Prefetcher has payloads fetched.
type Prefetcher struct {
	downloads *download.Downloader
	store     Store
	options   Options
	habits    *habits
}

// New gives a Prefetcher that fetches by downloads, which bring payloads into store.
func New(downloads *download.Downloader, store Store, o Options) *Prefetcher {
	return &Prefetcher{downloads: downloads, store: store, options: o, habits: newHabits(o.Copiers, copierTimes*max(o.ReadAhead, 0))}
}

// budgetShare is which share of the cache one handle fetches ahead into at most.
const budgetShare = 4

// budget is how much one handle may fetch ahead.
func (p *Prefetcher) budget() int64 { return p.store.Stats().MaxBytes / budgetShare }

// eager is how much may be missing of a clip to fetch all of it: no more than fits the cache well.
func (p *Prefetcher) eager() int64 { return min(p.options.Eager, p.budget()) }
