package told

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Openings has how far clips are that are being opened, by the key of their version. The zero value has none. It is safe for concurrent use.
type Openings struct{ underWay sync.Map }

// Opening is how far one is.
type Opening struct {
	heads int
	come  atomic.Int64
}

// Came counts a head that has come. It does nothing on nil.
func (o *Opening) Came() {
	if o != nil {
		o.come.Add(1)
	}
}

// String tells it to people, and to whoever reads the two numbers off it.
func (o *Opening) String() string { return fmt.Sprintf("%d of %d heads", o.come.Load(), o.heads) }

// Of tells how far the opening of a version is: "37 of 240 heads". It is empty where it is not being opened.
func (o *Openings) Of(key string) string {
	if at, ok := o.underWay.Load(key); ok {
		return at.(*Opening).String() //nolint:forcetypeassert // nothing else is in it
	}
	return ""
}

// Begin has Of tell of the opening of a version, which waits for so many heads, and calls tell so often while it lasts; never, where every is 0. end
// has to follow.
func (o *Openings) Begin(key string, heads int, every time.Duration, tell func(*Opening)) (at *Opening, end func()) {
	at = &Opening{heads: heads}
	o.underWay.Store(key, at)
	done := make(chan struct{})
	if every > 0 {
		go func() {
			ticker := time.Tick(every)
			for {
				select {
				case <-ticker:
					tell(at)
				case <-done:
					return
				}
			}
		}()
	}
	return at, func() {
		close(done)
		o.underWay.CompareAndDelete(key, at)
	}
}
