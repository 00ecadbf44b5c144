package streams

import (
	"context"
	"time"
)

const (
	// expireEvery is how often fragments are removed that are older than their stream's retention, expireAfter how much
	// older, so that none goes that an answer on its way still has to read.
	expireEvery = time.Minute
	expireAfter = time.Minute
)

// Expire removes what is no longer retained, until ctx ends.
func (t *Table) Expire(ctx context.Context) {
	tick := time.Tick(expireEvery)
	for {
		t.ExpireNow()
		select {
		case <-tick:
		case <-ctx.Done():
			return
		}
	}
}

// ExpireNow removes what is no longer retained.
func (t *Table) ExpireNow() {
	now := t.now()
	for _, st := range t.List("", "") {
		if st.Status(now) == Deleting {
			continue
		}
		if err := st.Pushed.Expire(now.Add(-st.Retention - expireAfter)); err != nil {
			t.log.Warn("old fragments not removed", "stream", st.Name, "err", err)
		}
	}
}
