package emulator_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	camera "clipfs/clip/emulator/producer"
)

// session is a connection that brings media bit by bit.
type session struct {
	media *io.PipeWriter
	// events are the acknowledgements as they come.
	events chan camera.Ack
	ended  chan error
}

// open begins a connection to a stream.
func (c *client) open(stream string) *session {
	read, write := io.Pipe()
	s := &session{media: write, events: make(chan camera.Ack, 1000), ended: make(chan error, 1)}
	go func() {
		_, err := c.put(stream, read, camera.Options{OnAck: func(a camera.Ack) { s.events <- a }})
		_ = read.Close()
		s.ended <- err
	}()
	return s
}

// wait waits for the end, and gives what the connection ended with.
func (s *session) wait() error { return <-s.ended }

// send sends bytes.
func (s *session) send(t *testing.T, b []byte) {
	t.Helper()
	if _, err := s.media.Write(b); err != nil {
		t.Fatal(err)
	}
}

// until waits for an event of a fragment.
func (s *session) until(t *testing.T, event camera.Event, timecode int64) {
	t.Helper()
	for {
		select {
		case a := <-s.events:
			if a.EventType == event && a.FragmentTimecode == timecode {
				return
			}
		case err := <-s.ended:
			t.Fatalf("ended with %v before %s of %d", err, event, timecode)
		}
	}
}

// cluster is a fragment of two frames, of 2 seconds, without what stands before the first.
func cluster(timecode uint64) []byte {
	return new(matroska).cluster(timecode, frame{1, 0, true}, frame{1, 1000, false})
}

// TestOverlappingSessions: a producer whose connection broke in the midst of a fragment comes back before that was missed, and
// sends the fragment again whole. Nothing is lost; where the old connection lived after all, the fragment is listed twice.
func TestOverlappingSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reset := func(s *session, _ []byte) { s.media.CloseWithError(errors.New("reset")) }
		ends := func(s *session, _ []byte) { _ = s.media.Close() } // It never fails.
		plain := newMatroska().header
		official := slices.Concat(element(0x1a45dfa3, element(0x4282, []byte("matroska"))), endless(0x18538067),
			element(0x1549a966, element(0x4d80, []byte("Kinesis Video SDK 1.0"))), element(0x1654ae6b, track(1)))
		whole := cluster(6000)
		frame := len(element(0xa3, frame{1, 0, true}.block()))
		tests := []struct {
			name string
			// header begins both connections, and cut is how much of the third fragment comes before the first breaks.
			header []byte
			cut    int
			end    func(*session, []byte)
			want   []float64
		}{
			{"reset within a frame", plain, len(whole) - 3, reset, []float64{2, 4, 6, 8, 10}},
			{"reset between two frames", plain, len(whole) - frame, reset, []float64{2, 4, 6, 8, 10}},
			{"official and starts over", official, len(whole) - frame, ends, []float64{2, 4, 6, 8, 10}},
			{"ends with a fragment", plain, len(whole) - frame, ends, []float64{2, 4, 6, 6, 8, 10}},
			{"goes on", plain, len(whole) - 3, func(s *session, rest []byte) {
				s.send(t, rest)
				_ = s.media.Close() // It never fails.
			}, []float64{2, 4, 6, 6, 8, 10}},
		}
		for _, tt := range tests {
			c := start(t, emulator.Options{})
			c.create("a", 24)
			old := c.open("a")
			old.send(t, tt.header)
			old.send(t, cluster(2000))
			old.send(t, cluster(4000))
			old.send(t, whole[:tt.cut])
			old.until(t, camera.Buffering, 6000)

			again := c.open("a")
			again.send(t, tt.header)
			again.send(t, cluster(6000))
			again.send(t, cluster(8000))
			again.until(t, camera.Persisted, 6000)
			tt.end(old, whole[tt.cut:])
			_ = old.wait() // it ended as it was made to
			again.send(t, cluster(10_000))
			again.send(t, tags(footage.EndOfFragment, ""))
			if err := again.media.Close(); err != nil {
				t.Fatal(err)
			}
			if err := again.wait(); err != nil {
				t.Errorf("%s: the second connection: %v", tt.name, err)
			}
			var got []float64
			for _, f := range c.list("a", producer, time.Unix(0, 0), time.Now()) {
				got = append(got, f.ProducerTimestamp)
			}
			if slices.Sort(got); !slices.Equal(got, tt.want) {
				t.Errorf("%s: fragments of %v, want %v", tt.name, got, tt.want)
			}
		}
	})
}

// TestConnectionsOfAStream: as many connections as the option says bring media at once, each its own, and one more is refused
// until one has ended.
func TestConnectionsOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for connections, want := range map[int]int{0: 5, 2: 2} {
			c := start(t, emulator.Options{NoQuota: true, PutConnections: connections})
			c.create("a", 24)
			var all []*session
			for i := range want {
				s := c.open("a")
				s.send(t, newMatroska().header)
				s.send(t, cluster(uint64(i)*2000))
				s.send(t, cluster(100_000)[:8])
				s.until(t, camera.Buffering, int64(i)*2000)
				all = append(all, s)
			}
			more := func() error {
				_, err := c.put("a", bytes.NewReader(append(newMatroska().header, cluster(50_000)...)), camera.Options{})
				return err
			}
			var refused *camera.ResponseError
			if err := more(); !errors.As(err, &refused) || refused.Kind != "ConnectionLimitExceededException" {
				t.Errorf("%d connections: one more: %v", want, err)
			}
			all[0].media.CloseWithError(errors.New("reset"))
			_ = all[0].wait() // it ended as it was made to
			synctest.Wait()
			if err := more(); err != nil {
				t.Errorf("%d connections: after one has ended: %v", want, err)
			}
			for _, s := range all[1:] {
				s.media.CloseWithError(errors.New("reset"))
				_ = s.wait() // it ended as it was made to
			}
			if got := len(c.list("a", producer, time.Unix(0, 0), time.Now())); got != want+1 {
				t.Errorf("%d connections brought %d fragments, want %d", want, got, want+1)
			}
		}
	})
}

// TestOverlappingSessionsInAClip: a clip of what came over two connections that overlapped, with a fragment of both, is as long
// as one of what came over one.
func TestOverlappingSessionsInAClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		c.create("a", 24)
		c.create("b", 24)
		from := time.Now().Add(-time.Minute).Truncate(2 * time.Second)
		card := func(begin, end time.Duration) []byte {
			var media bytes.Buffer
			if err := camera.WriteTestCard(&media, from.Add(begin), from.Add(end)); err != nil {
				t.Fatal(err)
			}
			return media.Bytes()
		}
		if _, err := c.put("b", bytes.NewReader(card(0, 10*time.Second)), camera.Options{}); err != nil {
			t.Fatal(err)
		}
		twice := from.Add(4 * time.Second).UnixMilli()
		first, second := card(0, 6*time.Second), card(4*time.Second, 10*time.Second)
		old := c.open("a")
		old.send(t, first[:len(first)-100])
		old.until(t, camera.Buffering, twice)
		again := c.open("a")
		again.send(t, second)
		again.until(t, camera.Persisted, twice)
		old.send(t, first[len(first)-100:])
		old.until(t, camera.Persisted, twice)
		for _, s := range []*session{old, again} {
			_ = s.media.Close() // It never fails.
			if err := s.wait(); err != nil {
				t.Error(err)
			}
		}
		data := c.endpoint("a", "GET_CLIP")
		clip := func(stream string) int {
			r := c.clip(data, stream, producer, from, from.Add(9*time.Second))
			if r.status != 200 {
				t.Fatalf("%s: %d %s", stream, r.status, r.body)
			}
			return len(r.body)
		}
		if got, want := clip("a"), clip("b"); got != want {
			t.Errorf("a clip of %d bytes, want %d", got, want)
		}
		if got := len(c.list("a", producer, from, time.Now())); got != 6 {
			t.Errorf("%d fragments listed, want 6: one of them twice", got)
		}
	})
}
