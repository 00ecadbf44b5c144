package producer

import (
	"context"
	"errors"
	"io"
	"time"

	"clipfs/clip/emulator/footage"
)

const (
	// window is how much footage is looked up at once.
	window = time.Minute
	// tooLong is the error with which the service ends a connection that has lasted as long as one may.
	tooLong = 4003
)

// PutSource sends the footage of a source that starts at or after from and before to, with Absolute timecodes. If it is
// paced, a fragment goes out when a camera that began at from when the call began would have recorded it; else all do as
// fast as they are taken. A connection that the service ends because of its age is followed by another one. Errors are those
// of Put, and footage.ErrNoFragments where there is no footage.
func PutSource(ctx context.Context, endpoint, stream string, src footage.Source, from, to time.Time, paced bool, o Options) ([]Ack, error) {
	o.Timecodes = Absolute
	feed := feed{src: src, next: from, to: to, paced: paced, late: time.Since(from)}
	var all []Ack
	for {
		read, write := io.Pipe()
		done := make(chan struct{})
		again := feed
		go func() {
			defer close(done)
			write.CloseWithError(again.write(ctx, write))
		}()
		acks, err := Put(ctx, endpoint, stream, read, o)
		_ = read.Close() // It never fails.
		<-done
		all = append(all, acks...)
		if refused, ok := errors.AsType[*MediaError](err); !ok || refused.Ack.ErrorID != tooLong {
			return all, err
		}
		feed.next = afterPersisted(feed.next, acks)
	}
}

// afterPersisted gives the time after the last fragment that was persisted.
func afterPersisted(from time.Time, acks []Ack) time.Time {
	for _, a := range acks {
		if next := time.UnixMilli(a.FragmentTimecode + 1); a.EventType == Persisted && next.After(from) {
			from = next
		}
	}
	return from
}

// feed is footage that is still to be sent.
type feed struct {
	src      footage.Source
	next, to time.Time
	// paced footage is sent late by so much after it would have been recorded.
	paced bool
	late  time.Duration
}

// write writes all of it as Matroska.
func (f *feed) write(ctx context.Context, w io.Writer) error {
	begun := false
	for f.next.Before(f.to) {
		end := f.next.Add(window)
		if end.After(f.to) {
			end = f.to
		}
		fragments := f.src.Fragments(footage.ByProducer, f.next, end.Add(-time.Millisecond))
		if len(fragments) > 0 && !begun {
			begun = true
			audio, _ := fragments[0].AudioTrack()
			if err := footage.WriteHeader(w, fragments[0].VideoTrack(), audio); err != nil {
				return err
			}
		}
		for _, fragment := range fragments {
			if err := f.wait(ctx, fragment); err != nil {
				return err
			}
			if err := footage.WriteCluster(w, fragment.Producer.UnixMilli(), fragment.Video(), fragment.Audio()); err != nil {
				return err
			}
		}
		f.next = end
	}
	if !begun {
		return footage.ErrNoFragments
	}
	return nil
}

// wait waits until a fragment would have been recorded.
func (f *feed) wait(ctx context.Context, fragment footage.Fragment) error {
	if !f.paced {
		return ctx.Err()
	}
	select {
	case <-time.After(time.Until(fragment.Producer.Add(fragment.Length + f.late))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
