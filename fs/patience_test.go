package fs_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/fs"
)

func TestPatienceEndsAfterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, interrupt := context.WithCancel(t.Context())
		begun := time.Now()
		time.AfterFunc(time.Second, interrupt)
		fs.Patience(caller, func(ctx context.Context) {
			if ctx.Err() != nil {
				t.Errorf("ended before the interrupt: %v", ctx.Err())
			}
			<-ctx.Done()
			if got, want := time.Since(begun), time.Second+fs.Grace; got != want {
				t.Errorf("ended after %s, want %s", got, want)
			}
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("Err() = %v, want %v", ctx.Err(), context.Canceled)
			}
		})
	})
}

func TestPatienceLetsDataThroughThatComesWithinGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, interrupt := context.WithCancel(t.Context())
		data := make(chan struct{})
		time.AfterFunc(time.Second, interrupt)
		time.AfterFunc(time.Second+fs.Grace/2, func() { close(data) })
		fs.Patience(caller, func(ctx context.Context) {
			select {
			case <-data:
			case <-ctx.Done():
				t.Error("interrupted although the data came within the grace")
			}
		})
	})
}

func TestPatienceEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// What was derived from the context and forgotten must not stay behind: synctest fails if a goroutine does.
		var kept context.Context
		fs.Patience(t.Context(), func(ctx context.Context) {
			kept = ctx
			<-time.After(time.Second)
			select {
			case <-ctx.Done():
				t.Error("ended before the request")
			default:
			}
		})
		<-kept.Done()
	})
}

func TestPatienceOfAnAnsweredRequestIsOver(t *testing.T) {
	var kept context.Context
	fs.Patience(t.Context(), func(ctx context.Context) { kept = ctx })
	select {
	case <-kept.Done():
	case <-time.After(10 * time.Second):
		t.Error("Done is open after the request")
	}
}

func TestPatienceWithoutWaitingAllocatesNothing(t *testing.T) {
	request := fs.PatiencePool(t.Context())
	if got := testing.AllocsPerRun(1000, request); got >= 1 {
		t.Errorf("%v allocations a request, want none", got)
	}
}
