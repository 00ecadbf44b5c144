package emulator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	camera "clipfs/clip/emulator/producer"
	"clipfs/clip/emulator/wire"
)

// put sends media to a stream.
func (c *client) put(stream string, media io.Reader, o camera.Options) ([]camera.Ack, error) {
	c.t.Helper()
	o.HTTP, o.Key, o.Secret = c.http, c.credentials.AccessKeyID, c.credentials.SecretAccessKey
	return camera.Put(c.t.Context(), c.server.Endpoint(), stream, media, o)
}

// putCard sends the test card and gives the numbers of its fragments.
func (c *client) putCard(stream string, from, to time.Time, o camera.Options) []string {
	c.t.Helper()
	o.HTTP, o.Key, o.Secret = c.http, c.credentials.AccessKeyID, c.credentials.SecretAccessKey
	acks, err := camera.PutTestCard(c.t.Context(), c.server.Endpoint(), stream, from, to, o)
	if err != nil {
		c.t.Fatalf("put from %s: %v", from, err)
	}
	return camera.Numbers(acks)
}

// create makes a stream.
func (c *client) create(name string, hours int) {
	c.t.Helper()
	c.control("/createStream", object{"StreamName": name, "DataRetentionInHours": hours}).into(c.t, new(object))
}

// pushedFragment is one fragment of a listing.
type pushedFragment struct {
	FragmentNumber                     string
	FragmentSizeInBytes                int64
	ProducerTimestamp, ServerTimestamp float64
	FragmentLengthInMilliseconds       int64
}

// list gives all fragments of a stream in a range, by number.
func (c *client) list(stream, kind string, from, to time.Time) []pushedFragment {
	c.t.Helper()
	data := c.endpoint(stream, "LIST_FRAGMENTS")
	var all []pushedFragment
	in := object{"StreamName": stream, "MaxResults": 1000, "FragmentSelector": selector(kind, from, to)}
	for {
		var out struct {
			Fragments []pushedFragment
			NextToken string
		}
		c.call(data, "/listFragments", in).into(c.t, &out)
		all = append(all, out.Fragments...)
		if out.NextToken == "" {
			slices.SortFunc(all, func(a, b pushedFragment) int { return strings.Compare(a.FragmentNumber, b.FragmentNumber) })
			return all
		}
		in["NextToken"] = out.NextToken
	}
}

// mustClip gives the bytes of a clip.
func (c *client) mustClip(stream string, from, to time.Time) []byte {
	c.t.Helper()
	r := c.clip(c.endpoint(stream, "GET_CLIP"), stream, producer, from, to)
	if r.status != http.StatusOK {
		c.t.Fatalf("clip of %s: %d %s", stream, r.status, r.body)
	}
	return r.body
}

// TestPutMediaAcknowledges: a fragment is told of as it begins, as it is whole, and as it can be found; the latter before the next
// begins where that is wanted, and else after, where it comes at once.
func TestPutMediaAcknowledges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, StrictAcks: true})
		b, r, p := camera.Buffering, camera.Received, camera.Persisted
		c.acknowledges([]camera.Event{b, r, p, b, r, p, b, r, p, b, r, p, b, r, p}, []int64{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4})
		c = start(t, emulator.Options{NoQuota: true})
		c.acknowledges([]camera.Event{b, r, b, p, r, b, p, r, b, p, r, b, p, r, p}, []int64{0, 0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 4})
	})
}

// acknowledges puts five fragments and wants these events of them.
func (c *client) acknowledges(events []camera.Event, fragments []int64) {
	t := c.t
	c.create("a", 24)
	now := time.Now()
	from := now.Add(-10 * time.Second)
	var got, want []string
	for i, e := range events {
		want = append(want, fmt.Sprint(e, fragments[i]))
	}
	persisted := 0
	numbers := c.putCard("a", from, now, camera.Options{OnAck: func(a camera.Ack) {
		got = append(got, fmt.Sprint(a.EventType, (a.FragmentTimecode-from.UnixMilli())/2000))
		if a.EventType != camera.Persisted {
			return
		}
		persisted++
		if n := len(c.list("a", producer, from, now)); n < persisted {
			t.Errorf("%d persisted, %d listed", persisted, n)
		}
	}})
	if !slices.Equal(got, want) {
		t.Errorf("acknowledgements\n%v, want\n%v", got, want)
	}
	if !slices.IsSorted(numbers) || len(slices.Compact(slices.Clone(numbers))) != 5 || len(numbers[0]) != 47 {
		t.Errorf("numbers %v", numbers)
	}
	for i, f := range c.list("a", producer, from, now) {
		at := float64(from.Add(time.Duration(i)*2*time.Second).UnixMilli()) / 1000
		if f.FragmentNumber != numbers[i] || f.ProducerTimestamp != at || f.FragmentLengthInMilliseconds != 1960 ||
			f.FragmentSizeInBytes == 0 || f.ServerTimestamp != float64(now.UnixMilli())/1000 {
			t.Errorf("fragment %d: %+v", i, f)
		}
	}
	counted := emulator.CallCount{API: wire.PutMedia, Stream: "a", Calls: 1, Fragments: 5}
	for _, k := range c.server.Calls() {
		if k.API == wire.PutMedia {
			k.Bytes = 0
			if k != counted {
				t.Errorf("counted %+v", k)
			}
		}
	}
}

// TestPersistedAlone: where nothing follows a fragment, PERSISTED comes soon: producers wait for it before they send more.
func TestPersistedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{})
		c.create("a", 24)
		s := c.open("a")
		began := time.Now()
		s.send(t, append(newMatroska().header, cluster(2000)...))
		s.send(t, tags(footage.EndOfFragment, ""))
		s.until(t, camera.Persisted, 2000)
		if took := time.Since(began); took <= 0 || took > time.Second {
			t.Errorf("it took %s", took)
		}
		_ = s.media.Close() // It never fails.
		if err := s.wait(); err != nil {
			t.Error(err)
		}
	})
}

// What is put late has old producer times and new server times, and is kept for as long as the server times say.
func TestPutMediaLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		c.create("a", 24)
		now := time.Now()
		old := now.Add(-20 * time.Hour)
		c.putCard("a", old, old.Add(10*time.Second), camera.Options{})
		if n := len(c.list("a", producer, old, old.Add(9*time.Second))); n != 5 {
			t.Errorf("%d fragments by producer time, want 5", n)
		}
		if n := len(c.list("a", server, now.Add(-time.Second), now.Add(time.Second))); n != 5 {
			t.Errorf("%d fragments by server time, want 5", n)
		}
		time.Sleep(3 * time.Hour)
		c.putCard("a", old.Add(4*time.Second), old.Add(8*time.Second), camera.Options{})
		if n := len(c.list("a", producer, old, old.Add(9*time.Second))); n != 7 {
			t.Errorf("%d fragments with doubles, want 7", n)
		}
		c.mustClip("a", old, old.Add(9*time.Second))
		if n := c.clipFragments("a"); n != 5 {
			t.Errorf("%d fragments in the clip, want 5", n)
		}
		time.Sleep(22 * time.Hour)
		recent := time.Now().Add(-48 * time.Hour)
		if n := len(c.list("a", server, recent, time.Now())); n != 2 {
			t.Errorf("%d fragments after a day, want 2", n)
		}
	})
}

func TestPutMediaRelative(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		c.create("a", 24)
		began := time.Now().Add(-time.Hour).Add(5 * time.Millisecond)
		from := began.Add(995 * time.Millisecond)
		var first int64 = -1
		numbers := c.putCard("a", from, from.Add(6*time.Second), camera.Options{Timecodes: camera.Relative, Start: began,
			OnAck: func(a camera.Ack) {
				if first < 0 {
					first = a.FragmentTimecode
				}
			}})
		got := c.list("a", producer, began, time.Now())
		want := float64(began.Add(1995*time.Millisecond).UnixMilli()) / 1000
		if len(numbers) != 3 || len(got) != 3 || got[0].ProducerTimestamp != want || first != 1995 {
			t.Errorf("%v, first timecode %d, fragments %+v, want the first at %f", numbers, first, got, want)
		}
	})
}

func TestPutMediaOneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{PutConnections: 1})
		c.create("a", 24)
		c.create("b", 24)
		now := time.Now().Add(-time.Minute)
		var media bytes.Buffer
		if err := camera.WriteTestCard(&media, now, now.Add(4*time.Second)); err != nil {
			t.Fatal(err)
		}
		read, write := io.Pipe()
		ended := make(chan error, 1)
		begun := make(chan camera.Ack, 10)
		go func() {
			_, err := c.put("a", read, camera.Options{OnAck: func(a camera.Ack) { begun <- a }})
			ended <- err
		}()
		if _, err := write.Write(media.Bytes()[:media.Len()/2]); err != nil {
			t.Fatal(err)
		}
		<-begun
		_, err := c.put("a", bytes.NewReader(media.Bytes()), camera.Options{})
		var refused *camera.ResponseError
		if !errors.As(err, &refused) || refused.Status != 400 || refused.Kind != "ConnectionLimitExceededException" {
			t.Errorf("second connection: %v", err)
		}
		if _, err := c.put("b", bytes.NewReader(media.Bytes()), camera.Options{}); err != nil {
			t.Errorf("another stream: %v", err)
		}
		if _, err := write.Write(media.Bytes()[media.Len()/2:]); err != nil {
			t.Fatal(err)
		}
		if err := write.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("first connection: %v", err)
		}
		if _, err := c.put("a", bytes.NewReader(media.Bytes()), camera.Options{}); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

func TestPutMediaEndsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{})
		c.create("a", 24)
		began := time.Now()
		var media bytes.Buffer
		if err := camera.WriteTestCard(&media, began.Add(-4*time.Second), began); err != nil {
			t.Fatal(err)
		}
		read, write := io.Pipe()
		go func() { _, _ = write.Write(media.Bytes()) }() // Read to its end before the test ends.
		acks, err := c.put("a", read, camera.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_ = read.Close()
		idles := 0
		for _, a := range acks {
			if a.EventType == camera.Idle {
				idles++
			}
		}
		// The last fragment's cluster has a size, so its end is seen.
		if n := len(camera.Numbers(acks)); n != 2 || idles < 3 || idles > 6 {
			t.Errorf("%d fragments persisted and %d times idle: %+v", n, idles, acks)
		}
		if d := time.Since(began); d < 30*time.Second || d > 32*time.Second {
			t.Errorf("ended after %s", d)
		}
	})
}

func TestPutMediaEndsAfter45Minutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{})
		c.create("a", 24)
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		read, write := io.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(time.Second) // so that no fragment comes at the very moment of the end
			m := newMatroska()
			for i := 0; ; i++ {
				if _, err := write.Write(m.cluster(uint64(i)*2000, frame{1, 0, true})); err != nil {
					return
				}
				m.header = nil
				select {
				case <-time.After(2 * time.Second):
				case <-ctx.Done():
					return
				}
			}
		}()
		acks, err := c.put("a", read, camera.Options{Timecodes: camera.Relative, Start: began})
		cancel()
		_ = read.Close()
		<-done
		var refused *camera.MediaError
		if !errors.As(err, &refused) || refused.Ack.ErrorID != 4003 {
			t.Errorf("ended with %v", err)
		}
		if d := time.Since(began); d != 45*time.Minute {
			t.Errorf("ended after %s", d)
		}
		if n := len(camera.Numbers(acks)); n != 1349 {
			t.Errorf("%d fragments persisted", n)
		}
	})
}

// Without retention nothing is persisted, and a producer is told no more than that its fragment arrived.
func TestPutMediaWithoutRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		c.create("a", 0)
		now := time.Now()
		var events []camera.Event
		c.putCard("a", now.Add(-2*time.Second), now, camera.Options{OnAck: func(a camera.Ack) { events = append(events, a.EventType) }})
		if !slices.Equal(events, []camera.Event{camera.Buffering, camera.Received}) {
			t.Errorf("events %v", events)
		}
	})
}

func TestPutMediaQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{})
		c.create("a", 24)
		began := time.Now()
		if n := len(c.putCard("a", began.Add(-time.Minute), began, camera.Options{})); n != 30 {
			t.Errorf("%d fragments", n)
		}
		// 5 at once, then 5 a second.
		if d := time.Since(began); d != 5*time.Second {
			t.Errorf("30 fragments took %s", d)
		}
		for i := range 5 {
			_, err := c.put("a", strings.NewReader(""), camera.Options{})
			if err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		}
		_, err := c.put("a", strings.NewReader(""), camera.Options{})
		var refused *camera.ResponseError
		if !errors.As(err, &refused) || refused.Kind != "ClientLimitExceededException" {
			t.Errorf("sixth call in a second: %v", err)
		}
	})
}

// Footage that a stream has recorded and what is pushed into it are one stream.
func TestPutMediaBesideFootage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := footage.TestCard()
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		recorded := footage.NewRecording(m, now.Add(-time.Hour))
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: recorded}}})
		numbers := c.putCard("a", now.Add(-59*time.Minute), now.Add(-58*time.Minute), camera.Options{})
		all := c.list("a", producer, now.Add(-time.Hour), now)
		if len(all) != 60 || all[59].FragmentNumber != numbers[29] {
			t.Errorf("%d fragments, the last is %s, want %s", len(all), all[len(all)-1].FragmentNumber, numbers[29])
		}
		c.mustClip("a", now.Add(-time.Hour), now)
		if n := c.clipFragments("a"); n != 60 {
			t.Errorf("%d fragments in the clip", n)
		}
	})
}

// A server that stops does not wait for cameras.
func TestPutMediaEndsWithServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{})
		c.create("a", 24)
		began := time.Now()
		read, write := io.Pipe()
		begun := make(chan struct{}, 10)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			// What the camera makes of it depends on how far it had got.
			_, _ = c.put("a", read, camera.Options{OnAck: func(camera.Ack) { begun <- struct{}{} }})
		}()
		m := newMatroska()
		if _, err := write.Write(m.cluster(0, frame{1, 0, true})); err != nil {
			t.Fatal(err)
		}
		<-begun
		if err := c.server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		// The body has to end too before a client of net/http gives up its connection.
		_ = read.Close()
		<-ended
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("closing took %s", d)
		}
	})
}
