package chunk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator/chunk"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

// day is the time of the first fragment of recorded.
func day() time.Time { return time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC) }

// recorded is fragments of the test card, one each two seconds from day on.
func recorded(t *testing.T, n int) []footage.Fragment {
	t.Helper()
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	loop := footage.NewLoop(m, time.Unix(0, 0), footage.Options{})
	return loop.Fragments(footage.ByProducer, day(), day().Add(time.Duration(2*n-1)*time.Second))
}

// fixed is a source of these fragments and no others.
type fixed []footage.Fragment

func (f fixed) Fragments(sel footage.Selector, from, to time.Time) (in []footage.Fragment) {
	for _, x := range f {
		if at := x.Time(sel); !at.Before(from) && !at.After(to) {
			in = append(in, x)
		}
	}
	return in
}

// from is a stream that has some fragments, at a time.
func from(t *testing.T, fragments []footage.Fragment, now func() time.Time) chunk.From {
	t.Helper()
	all, err := streams.Open(streams.Options{Given: []streams.Given{{Name: "a", Source: fixed(fragments)}}, Retention: time.Hour, Now: now, PutConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = all.Close() })
	st, err := all.Find(wire.StreamRef{StreamName: "a"}, wire.Owner{})
	if err != nil {
		t.Fatal(err)
	}
	return chunk.From{Stream: func() (streams.Stream, error) { return all.Current(st) }, Now: now}
}

// values are what the tags of a name say.
func values(media []byte, name string) (all []string) {
	for _, m := range regexp.MustCompile(`(?s)AWS_KINESISVIDEO_`+name+`\x44.(.)`).FindAllSubmatchIndex(media, -1) {
		all = append(all, string(media[m[1]:m[1]+int(media[m[2]]&0x7f)]))
	}
	return all
}

// TestStream: a chunk has its fragment's number and times before its cluster, and how far behind it is and where to go on after it; each
// selector begins where the reference says.
func TestStream(t *testing.T) {
	all := recorded(t, 10)
	now := func() time.Time { return all[9].Server.Add(time.Second) }
	at := func(t time.Time, ms int) *wire.Timestamp {
		return &wire.Timestamp{Time: t.Add(time.Duration(ms) * time.Millisecond)}
	}
	for _, tc := range []struct {
		in    chunk.Selector
		first int
	}{
		{chunk.Selector{StartSelectorType: "EARLIEST"}, 0},
		{chunk.Selector{StartSelectorType: "NOW"}, 9},
		{chunk.Selector{StartSelectorType: "FRAGMENT_NUMBER", AfterFragmentNumber: all[3].Number}, 4},
		{chunk.Selector{StartSelectorType: "CONTINUATION_TOKEN", ContinuationToken: all[7].Number}, 8},
		{chunk.Selector{StartSelectorType: "SERVER_TIMESTAMP", StartTimestamp: at(all[5].Server, 0)}, 5},
		{chunk.Selector{StartSelectorType: "SERVER_TIMESTAMP", StartTimestamp: at(all[5].Server, -1)}, 4},
		{chunk.Selector{StartSelectorType: "PRODUCER_TIMESTAMP", StartTimestamp: at(all[5].Producer, 1999)}, 5},
		{chunk.Selector{StartSelectorType: "PRODUCER_TIMESTAMP", StartTimestamp: at(all[0].Producer, -60_000)}, 0},
	} {
		if err := tc.in.Check(); err != nil {
			t.Errorf("%+v: %v", tc.in, err)
		}
		var out bytes.Buffer
		each := 0
		if err := chunk.Begin(tc.in, from(t, all, now)).Stream(t.Context(), &out, false, func() error { each++; return nil }); err != nil {
			t.Fatalf("%+v: %v", tc.in, err)
		}
		var numbers, servers, producers, behind []string
		for _, f := range all[tc.first:] {
			numbers = append(numbers, f.Number)
			servers = append(servers, fmt.Sprintf("%.3f", float64(f.Server.UnixMilli())/1000))
			producers = append(producers, fmt.Sprintf("%.3f", float64(f.Producer.UnixMilli())/1000))
			behind = append(behind, fmt.Sprint(all[9].Server.Sub(f.Server).Milliseconds()))
		}
		for name, want := range map[string][]string{"FRAGMENT_NUMBER": numbers, "CONTINUATION_TOKEN": numbers, "SERVER_TIMESTAMP": servers,
			"PRODUCER_TIMESTAMP": producers, "MILLIS_BEHIND_NOW": behind} {
			if got := values(out.Bytes(), name); !slices.Equal(got, want) {
				t.Errorf("%+v: %s are %v, want %v", tc.in, name, got, want)
			}
		}
		if each != len(numbers) {
			t.Errorf("%+v: told of %d chunks, want %d", tc.in, each, len(numbers))
		}
	}
}

// TestStreamEnds: an answer ends with the failures that the reference has, and with what its writer, its client or its stream say.
func TestStreamEnds(t *testing.T) {
	all := recorded(t, 3)
	now := func() time.Time { return all[2].Server }
	earliest := chunk.Selector{StartSelectorType: "EARLIEST"}
	nothing := func() error { return nil }
	run := func(sel chunk.Selector, src chunk.From, each func() error) (string, error) {
		var out bytes.Buffer
		err := chunk.Begin(sel, src).Stream(t.Context(), &out, false, each)
		return out.String(), err
	}
	out, err := run(chunk.Selector{StartSelectorType: "FRAGMENT_NUMBER", AfterFragmentNumber: "1"}, from(t, all, now), nothing)
	if got := values([]byte(out), "ERROR_ID"); err != nil || !slices.Equal(got, []string{"4000"}) {
		t.Errorf("behind an unknown fragment: %v, %v", got, err)
	}
	lost := footage.NewStored(all[1].Number, all[1].Producer, all[1].Server, all[1].Length, all[1].Size, func() ([]byte, error) { return nil, errors.New("lost") })
	out, err = run(earliest, from(t, []footage.Fragment{all[0], lost, all[2]}, now), nothing)
	if got := values([]byte(out), "ERROR_ID"); err != nil || !slices.Equal(got, []string{"5000"}) || len(values([]byte(out), "CONTINUATION_TOKEN")) != 1 {
		t.Errorf("where media is lost: %v, %v", got, err)
	}
	full := errors.New("full")
	if _, err := run(earliest, from(t, all, now), func() error { return full }); !errors.Is(err, full) {
		t.Errorf("where the writer has enough: %v", err)
	}
	gone := from(t, all, now)
	stream, calls := gone.Stream, 0
	gone.Stream = func() (streams.Stream, error) {
		if calls++; calls > 2 {
			return streams.Stream{}, wire.NoStream()
		}
		return stream()
	}
	if out, err := run(earliest, gone, nothing); err != nil || len(values([]byte(out), "CONTINUATION_TOKEN")) == 0 {
		t.Errorf("where the stream goes: %d bytes, %v", len(out), err)
	}
}

// TestStreamFollows: an answer that follows gives what comes when it comes, and ends with its client.
func TestStreamFollows(t *testing.T) {
	all := recorded(t, 10)
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		src := from(t, all, func() time.Time { return all[4].Server.Add(time.Since(begin)) })
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		var came []time.Duration
		reading := chunk.Begin(chunk.Selector{StartSelectorType: "NOW"}, src)
		time.Sleep(3 * time.Second) // the answer is late, and NOW is when the call came
		err := reading.Stream(ctx, &out, true, func() error {
			if came = append(came, time.Since(begin).Truncate(2*time.Second)); len(came) == 4 {
				cancel()
			}
			return nil
		})
		if want := []time.Duration{2 * time.Second, 2 * time.Second, 4 * time.Second, 6 * time.Second}; !errors.Is(err, context.Canceled) || !slices.Equal(came, want) {
			t.Errorf("came at %v, want %v: %v", came, want, err)
		}
		if got := values(out.Bytes(), "FRAGMENT_NUMBER"); len(got) != 4 || got[0] != all[4].Number || got[3] != all[7].Number {
			t.Errorf("got %v", got)
		}
	})
}

// TestList: chunks come in the order in which they are named, as often as they are, and end at the first that is not there.
func TestList(t *testing.T) {
	all := recorded(t, 3)
	found := map[string]footage.Fragment{all[0].Number: all[0], all[1].Number: all[1]}
	for _, tc := range []struct {
		name    string
		numbers []string
		chunks  int
		code    []string
	}{
		{"in their order", []string{all[1].Number, all[0].Number, all[1].Number}, 3, nil},
		{"one that is not there", []string{all[0].Number, all[2].Number, all[1].Number}, 1, []string{"4000"}},
		{"none", nil, 0, nil},
	} {
		var out bytes.Buffer
		each := 0
		if err := chunk.List(&out, tc.numbers, found, func() error { each++; return nil }); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		want := tc.numbers[:min(len(tc.numbers), tc.chunks+len(tc.code))]
		got := values(out.Bytes(), "FRAGMENT_NUMBER")
		if code := values(out.Bytes(), "EXCEPTION_ERROR_CODE"); each != tc.chunks || !slices.Equal(got, want) || !slices.Equal(code, tc.code) {
			t.Errorf("%s: %d chunks, %v, error %v, want %d, %v, %v", tc.name, each, got, code, tc.chunks, want, tc.code)
		}
		if n := len(values(out.Bytes(), "SERVER_SIDE_TIMESTAMP")); n != tc.chunks {
			t.Errorf("%s: %d chunks have the name of the reference", tc.name, n)
		}
	}
}
