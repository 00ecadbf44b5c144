package emulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
)

// listed is a page of ListFragments.
type listed struct {
	Fragments []struct {
		FragmentNumber                     string
		FragmentSizeInBytes                int64
		ProducerTimestamp, ServerTimestamp json.Number
		FragmentLengthInMilliseconds       int64
	}
	NextToken string
}

// numbers gives the fragment numbers of a page.
func (l listed) numbers() []string {
	n := make([]string, len(l.Fragments))
	for i, f := range l.Fragments {
		n[i] = f.FragmentNumber
	}
	return n
}

// all lists every page of a query.
func (c *client) all(data string, in object) (numbers []string, pages int) {
	c.t.Helper()
	in = maps.Clone(in)
	for {
		var out listed
		c.call(data, "/listFragments", in).into(c.t, &out)
		numbers = append(numbers, out.numbers()...)
		if pages++; out.NextToken == "" {
			return numbers, pages
		}
		in["NextToken"] = out.NextToken
	}
}

func TestListFragmentsSelection(t *testing.T) {
	const producer, server = "PRODUCER_TIMESTAMP", "SERVER_TIMESTAMP"
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		// 30 fragments of 2 s that ended a minute ago, and 10 that are being recorded: the server takes a fragment in
		// at its end.
		zero := now.Add(-2 * time.Minute)
		src := append(every(30, zero, 2*time.Second), every(10, now.Add(-3*time.Second), 2*time.Second)...)
		old := every(1, now.Add(-2*time.Hour), 2*time.Second)
		c := start(t, emulator.Options{NoQuota: true, Retention: time.Hour, Streams: []emulator.Stream{
			{Name: "a", Source: src}, {Name: "a", Source: old}, {Name: "none"}}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		at := func(d time.Duration) time.Time { return zero.Add(d) }
		tests := []struct {
			name     string
			kind     string
			from, to time.Time
			want     int
		}{
			{"both ends are inclusive", producer, at(0), at(4 * time.Second), 3},
			{"one instant", producer, at(2 * time.Second), at(2 * time.Second), 1},
			{"a fragment that runs at the start is not in", producer, at(time.Millisecond), at(2 * time.Second), 1},
			{"one that starts just after the end is not in", producer, at(0), at(2*time.Second - time.Millisecond), 1},
			{"between two starts", producer, at(time.Millisecond), at(2*time.Second - time.Millisecond), 0},
			{"by server time they are later", server, at(0), at(4 * time.Second), 2},
			{"by server time, whole", server, at(2 * time.Second), at(time.Minute), 30},
			{"only what has been taken in", producer, at(time.Minute), now.Add(time.Hour), 1},
			{"only what has been taken in, by server time", server, at(time.Minute + time.Millisecond), now.Add(time.Hour), 1},
			{"what is older than the retention is gone", producer, now.Add(-3 * time.Hour), now, 31},
			{"before the retention there is nothing", producer, now.Add(-3 * time.Hour), now.Add(-90 * time.Minute), 0},
			{"the future is empty", producer, now.Add(time.Hour), now.Add(2 * time.Hour), 0},
		}
		for _, tt := range tests {
			got, _ := c.all(data, object{"StreamName": "a", "FragmentSelector": selector(tt.kind, tt.from, tt.to)})
			if len(got) != tt.want {
				t.Errorf("%s: %d fragments, want %d", tt.name, len(got), tt.want)
			}
		}
		r := c.call(data, "/listFragments", object{"StreamName": "none", "FragmentSelector": selector(producer, zero, now)})
		if got, want := string(r.body), `{"Fragments":[]}`; got != want {
			t.Errorf("without footage: %s, want %s", got, want)
		}
		end := now.Add(-time.Hour - time.Millisecond)
		c.call(data, "/listFragments", object{"StreamName": "a", "FragmentSelector": selector(server, end.Add(-time.Hour), end)}).
			wantError(t, 400, "InvalidArgumentException",
				fmt.Sprintf("End timestamp %d is outside of the stream retention period.", end.UnixMilli()))
		// Recording goes on.
		time.Sleep(5 * time.Second)
		got, _ := c.all(data, object{"StreamName": "a", "FragmentSelector": selector(producer, at(time.Minute), now.Add(time.Hour))})
		if len(got) != 4 {
			t.Errorf("five seconds later: %d fragments, want 4", len(got))
		}
	})
}

func TestListFragmentsMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Now().Add(-time.Minute + 7*time.Millisecond)
		src := every(1, at, 1500*time.Millisecond)
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: src}}})
		// ISO 8601 is read as well as numbers.
		in := object{"StreamARN": c.describe(object{"StreamName": "a"}).StreamARN, "FragmentSelector": object{
			"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": object{
				"StartTimestamp": at.UTC().Format(time.RFC3339Nano), "EndTimestamp": at.Add(time.Second).In(time.FixedZone("", 7200))}}}
		var out listed
		c.call(c.endpoint("a", "LIST_FRAGMENTS"), "/listFragments", in).into(t, &out)
		if len(out.Fragments) != 1 {
			t.Fatalf("%d fragments, want 1", len(out.Fragments))
		}
		f := out.Fragments[0]
		got := fmt.Sprint(f.FragmentNumber, f.FragmentSizeInBytes, f.ProducerTimestamp, f.ServerTimestamp, f.FragmentLengthInMilliseconds)
		// The bubble's clock begins at 946684800.
		want := fmt.Sprint(src[0].Number, 1000, "946684740.007", "946684741.507", 1460)
		if got != want {
			t.Errorf("fragment %s, want %s", got, want)
		}
	})
}

// What is retained goes by when it was taken in, also where the producer's clock is ahead.
func TestRetentionIsByServerTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		src := every(2, now.Add(-10*time.Minute), 2*time.Second)
		src[0].Server = now.Add(-time.Hour - time.Millisecond)
		c := start(t, emulator.Options{Retention: time.Hour, Streams: []emulator.Stream{{Name: "a", Source: src}}})
		got, _ := c.all(c.endpoint("a", "LIST_FRAGMENTS"),
			object{"StreamName": "a", "FragmentSelector": selector("PRODUCER_TIMESTAMP", now.Add(-time.Hour), now)})
		if want := []string{src[1].Number}; !slices.Equal(got, want) {
			t.Errorf("fragments %v, want %v", got, want)
		}
	})
}

func TestListFragmentsPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		src := every(2345, now.Add(-2*time.Hour), 2*time.Second)
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: src}, {Name: "b", Source: src}}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		in := object{"StreamName": "a", "FragmentSelector": selector("PRODUCER_TIMESTAMP", now.Add(-3*time.Hour), now)}
		var want []string
		for _, f := range src {
			want = append(want, f.Number)
		}
		for _, tt := range []struct {
			max   any
			pages int
		}{{nil, 24}, {1000, 3}, {5000, 3}, {335, 7}, {50, 47}} {
			in["MaxResults"] = tt.max
			got, pages := c.all(data, in)
			if pages != tt.pages {
				t.Errorf("MaxResults %v: %d pages, want %d", tt.max, pages, tt.pages)
			}
			// Neither the whole nor a page is in order, or in the order of another listing.
			if slices.IsSorted(got) || slices.IsSorted(got[:7]) {
				t.Errorf("MaxResults %v: in order", tt.max)
			}
			if again, _ := c.all(data, in); slices.Equal(again, got) {
				t.Errorf("MaxResults %v: twice the same order", tt.max)
			}
			// A token alone continues as well as one beside its selector: AWS's own ListFragmentWorker pages so.
			var bare []string
			next := maps.Clone(in)
			for range pages {
				var out listed
				c.call(data, "/listFragments", next).into(t, &out)
				bare = append(bare, out.numbers()...)
				next = object{"StreamName": "a", "MaxResults": tt.max, "NextToken": out.NextToken}
			}
			slices.Sort(bare)
			if !slices.Equal(bare, want) {
				t.Errorf("MaxResults %v: %d fragments by the token alone, not the %d that there are", tt.max, len(bare), len(want))
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("MaxResults %v: %d fragments, not the %d that there are", tt.max, len(got), len(want))
			}
		}

		in["MaxResults"] = 10
		var first listed
		c.call(data, "/listFragments", in).into(t, &first)
		for name, change := range map[string]object{
			"stream":   {"StreamName": "b"},
			"range":    {"FragmentSelector": selector("PRODUCER_TIMESTAMP", now.Add(-2*time.Hour), now)},
			"selector": {"FragmentSelector": selector("SERVER_TIMESTAMP", now.Add(-3*time.Hour), now)},
			"token":    {"NextToken": "AAAA" + first.NextToken[4:]},
		} {
			other := maps.Clone(in)
			other["NextToken"] = first.NextToken
			maps.Copy(other, change)
			t.Log("token with another " + name)
			c.call(data, "/listFragments", other).wantError(t, 400, "InvalidArgumentException", "NextToken")
		}
	})
}

// A long listing of a loop has each fragment once, in no order, with fragments of all its time on its first page, while the oldest
// leave and new ones come.
func TestListFragmentsLong(t *testing.T) {
	card, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		loop := footage.NewLoop(card, time.Unix(0, 0), footage.Options{})
		c := start(t, emulator.Options{NoQuota: true, Retention: 24 * time.Hour, Streams: []emulator.Stream{{Name: "a", Source: loop}}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		for _, by := range []string{"PRODUCER_TIMESTAMP", "SERVER_TIMESTAMP"} {
			now := time.Now()
			in := object{"StreamName": "a", "MaxResults": 1000, "FragmentSelector": selector(by, now.Add(-12*time.Hour), now.Add(time.Hour))}
			want := func() map[string]time.Time {
				sel := map[string]footage.Selector{"PRODUCER_TIMESTAMP": footage.ByProducer, "SERVER_TIMESTAMP": footage.ByServer}[by]
				all := make(map[string]time.Time)
				for _, f := range loop.Fragments(sel, now.Add(-12*time.Hour), time.Now()) {
					if !f.Server.After(time.Now()) {
						all[f.Number] = f.Producer
					}
				}
				return all
			}
			before := want()
			got := make(map[string]bool)
			for page := 0; ; page++ {
				var out listed
				c.call(data, "/listFragments", in).into(t, &out)
				hours := make(map[int64]bool)
				for _, n := range out.numbers() {
					if got[n] {
						t.Fatalf("%s: fragment %s came twice", by, n)
					}
					got[n] = true
					hours[before[n].Unix()/3600] = true
				}
				if page == 0 && (len(hours) < 12 || slices.IsSorted(out.numbers()[:7])) {
					t.Errorf("%s: fragments of %d hours are on the first page, want all twelve, in no order", by, len(hours))
				}
				if out.NextToken == "" {
					break
				}
				in["NextToken"] = out.NextToken
				time.Sleep(7 * time.Second)
			}
			after := want()
			if len(after) == len(before) || len(before) < 20_000 {
				t.Fatalf("%s: %d fragments, then %d", by, len(before), len(after))
			}
			for n := range before {
				if !got[n] {
					t.Fatalf("%s: fragment %s is not listed, with %d of %d", by, n, len(got), len(before))
				}
			}
			for n := range got {
				if _, there := after[n]; !there {
					t.Errorf("%s: fragment %s is none", by, n)
				}
			}
		}
	})
}

// The number of fragments changes while they are listed: the oldest leave, new ones come.
func TestListFragmentsPagesWhileRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		src := every(1000, now.Add(-time.Hour-100*time.Second), 4*time.Second)
		c := start(t, emulator.Options{NoQuota: true, Retention: time.Hour, Streams: []emulator.Stream{{Name: "a", Source: src}}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		in := object{"StreamName": "a", "MaxResults": 50,
			"FragmentSelector": selector("PRODUCER_TIMESTAMP", now.Add(-2*time.Hour), now.Add(time.Hour))}
		before, _ := c.all(data, in)
		var got []string
		for {
			var out listed
			c.call(data, "/listFragments", in).into(t, &out)
			got = append(got, out.numbers()...)
			if out.NextToken == "" {
				break
			}
			in["NextToken"] = out.NextToken
			time.Sleep(10 * time.Second)
		}
		delete(in, "NextToken")
		after, _ := c.all(data, in)
		if len(after) == 0 || slices.Max(after) == slices.Max(before) || slices.Min(after) == slices.Min(before) {
			t.Fatal("nothing changed while it was listed")
		}
		slices.Sort(got)
		if n := len(slices.Compact(slices.Clone(got))); n != len(got) {
			t.Errorf("%d of %d fragments came twice", len(got)-n, len(got))
		}
		for _, n := range before {
			if _, found := slices.BinarySearch(got, n); !found && slices.Contains(after, n) {
				t.Errorf("fragment %s was there all the time and is not listed", n)
			}
		}
	})
}

func TestListFragmentsInvalid(t *testing.T) {
	now := time.Now()
	good := selector("PRODUCER_TIMESTAMP", now.Add(-time.Hour), now)
	with := func(kind string, start, end any) object {
		return object{"StreamName": "a", "FragmentSelector": object{"FragmentSelectorType": kind,
			"TimestampRange": object{"StartTimestamp": start, "EndTimestamp": end}}}
	}
	const badArg, serial = "InvalidArgumentException", "SerializationException"
	tests := []struct {
		name   string
		in     any
		status int
		kind   string
	}{
		{"unknown stream", object{"StreamName": "zz", "FragmentSelector": good}, 404, "ResourceNotFoundException"},
		{"MaxResults 0", object{"StreamName": "a", "MaxResults": 0, "FragmentSelector": good}, 400, badArg},
		{"neither token nor selector", object{"StreamName": "a"}, 400, badArg},
		{"no range", object{"StreamName": "a", "FragmentSelector": object{"FragmentSelectorType": "PRODUCER_TIMESTAMP"}}, 400, badArg},
		{"no end", with("PRODUCER_TIMESTAMP", 1, nil), 400, badArg},
		{"other selector", with("FRAGMENT_NUMBER", 1, 2), 400, badArg},
		{"end before start", with("PRODUCER_TIMESTAMP", 2, 1), 400, badArg},
		{"times that are none", with("PRODUCER_TIMESTAMP", "yesterday", "today"), 400, serial},
		{"times out of range", with("PRODUCER_TIMESTAMP", 1, 1e300), 400, serial},
		{"forged token", object{"StreamName": "a", "NextToken": "QUJD", "FragmentSelector": good}, 400, badArg},
	}
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: footage.NewSource()}}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		for _, tt := range tests {
			t.Log(tt.name)
			c.call(data, "/listFragments", tt.in).wantError(t, tt.status, tt.kind, "")
		}
	})
}
