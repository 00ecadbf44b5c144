package clip_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// unheard is an archive that nobody hears: connections are refused until it is up.
type unheard struct {
	*memory.Archive
	up chan struct{}
	// since is when refusals began.
	since time.Time
}

// wait is what calls do first: tell, and wait.
func (u *unheard) wait(ctx context.Context) error {
	err := fmt.Errorf("%w: connection refused", archive.ErrNotListening)
	archive.Refused(ctx, u.since, err)
	select {
	case <-u.up:
		archive.Refused(ctx, time.Time{}, nil)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: until the deadline", archive.ErrUnreachable)
	}
}

// Stream implements archive.Service.
func (u *unheard) Stream(ctx context.Context, name archive.StreamName) (archive.Stream, error) {
	if err := u.wait(ctx); err != nil {
		return archive.Stream{}, err
	}
	return u.Archive.Stream(ctx, name)
}

// Fragments implements archive.Service.
func (u *unheard) Fragments(ctx context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	return func(yield func(archive.Fragment, error) bool) {
		if err := u.wait(ctx); err != nil {
			yield(archive.Fragment{}, err)
			return
		}
		u.Archive.Fragments(ctx, q)(yield)
	}
}

// TestRefused: of those who wait for the same call to a host that refuses connections, brief operations fail after a sixth
// of ReadTimeout, at most 10 s, and the others go on waiting, whoever began.
func TestRefused(t *testing.T) {
	brief, patient := archive.Operation{ID: 1, Brief: true}, archive.Operation{ID: 2}
	look := func(ctx context.Context, l *clip.Library) error { _, err := l.Stream(ctx, "cam"); return err }
	newest := func(ctx context.Context, l *clip.Library) error { _, err := l.Latest(ctx, "cam"); return err }
	for _, test := range []struct {
		name    string
		timeout time.Duration
		// refused is for how long connections have been refused already, up when they are accepted again; 0 for never.
		refused, up time.Duration
		first, then archive.Operation
		ask         func(context.Context, *clip.Library) error
		// firstTook and thenTook are how long they wait; a negative one stands for success.
		firstTook, thenTook time.Duration
	}{
		{"two brief", time.Minute, 0, 0, brief, brief, look, 10 * time.Second, 9 * time.Second},
		{"short timeout", 6 * time.Second, 0, 0, brief, brief, newest, time.Second, time.Second},
		{"long timeout", time.Hour, 0, 0, brief, brief, newest, 10 * time.Second, 9 * time.Second},
		{"dead for long", time.Minute, time.Hour, 0, brief, brief, newest, 1200 * time.Millisecond, 1200 * time.Millisecond},
		{"back in the second before", time.Minute, time.Hour, time.Second, brief, brief, newest, -time.Second, -time.Nanosecond},
		{"brief begins", time.Minute, 0, 0, brief, patient, newest, 10 * time.Second, time.Minute - time.Second},
		{"patient begins", time.Minute, 0, 0, patient, brief, newest, time.Minute, 9 * time.Second},
		{"back after a while", time.Minute, 0, 30 * time.Second, brief, patient, newest, 10 * time.Second, -29 * time.Second},
		{"back soon", time.Minute, 0, 5 * time.Second, brief, patient, newest, -5 * time.Second, -4 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := memory.New()
				m.Record("cam", time.Now().Add(-time.Minute), 30, 2*time.Second)
				u := &unheard{Archive: m, up: make(chan struct{}), since: time.Now().Add(-test.refused)}
				_, c := library(t, m, clip.Options{})
				l := clip.NewLibrary(u, c, clip.Options{ReadTimeout: test.timeout})
				if test.up > 0 {
					time.AfterFunc(test.up, func() { close(u.up) })
				}
				var both sync.WaitGroup
				check := func(who string, op archive.Operation, want time.Duration) {
					begun := time.Now()
					err := test.ask(archive.WithOperation(t.Context(), op), l)
					took := time.Since(begun)
					if want < 0 && (err != nil || took > -want) {
						t.Errorf("%s: %v after %s, want success within %s", who, err, took, -want)
					}
					unreachable := errors.Is(err, archive.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded)
					if want >= 0 && (!unreachable || took != want) {
						t.Errorf("%s: %v after %s, want it to be unreachable after %s", who, err, took, want)
					}
				}
				both.Go(func() { check("the first", test.first, test.firstTook) })
				time.Sleep(time.Second)
				both.Go(func() { check("the second", test.then, test.thenTook) })
				both.Wait()
				time.Sleep(2 * time.Second) // in which the call ends that nobody waits for
				_ = c.Close()               // within the bubble
			})
		})
	}
}
