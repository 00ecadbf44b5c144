package fault_test

import (
	"testing"

	"clipfs/clip/emulator/fault"
)

// rule gives a rule that is right.
func rule(t *testing.T, text string) fault.Rule {
	t.Helper()
	r, err := fault.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A rule hits the calls of its operation and stream, after those that it skips, as often as it says; then the next does.
func TestTableMeets(t *testing.T) {
	var table fault.Table
	first := table.Add(rule(t, "kind=close,api=GetClip,stream=door,skip=1,count=2"))
	table.Add(rule(t, "kind=throttle,stream=door"))
	call := fault.Call{API: "GetClip", Stream: "door"}
	for i, want := range []fault.Kind{fault.Throttle, fault.Close, fault.Close, fault.Throttle} {
		if got, ok := table.Meet(call); !ok || got.Kind != want {
			t.Errorf("call %d: %q, %t, want %q", i, got.Kind, ok, want)
		}
	}
	for _, c := range []fault.Call{{API: "GetClip", Stream: "yard"}, {API: "ListStreams"}, {API: "PutMedia", Stream: "door"}} {
		if got, ok := table.Meet(c); ok {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if got := table.List(); len(got) != 2 || got[0].Hits != 2 || got[1].Hits != 2 {
		t.Errorf("%+v", got)
	}
	if !table.Remove(first.ID) || table.Remove(first.ID) {
		t.Error("removed not once")
	}
	table.Clear()
	if got, ok := table.Meet(call); ok {
		t.Errorf("cleared: %q", got)
	}
}

// Expired credentials are those of the first call; others are let pass, until they expire by another rule.
func TestTableExpires(t *testing.T) {
	var table fault.Table
	table.Add(rule(t, "kind=expired"))
	for i, test := range []struct {
		key  string
		want bool
	}{{"old", true}, {"new", false}, {"old", true}} {
		if _, got := table.Meet(fault.Call{API: "GetClip", Key: test.key}); got != test.want {
			t.Errorf("call %d with %s: %t", i, test.key, got)
		}
	}
}

// A chance of a quarter hits about a quarter.
func TestTableChance(t *testing.T) {
	var table fault.Table
	table.Add(rule(t, "kind=close,p=0.25"))
	hits := 0
	for range 10_000 {
		if _, ok := table.Meet(fault.Call{API: "GetClip"}); ok {
			hits++
		}
	}
	if hits < 2_200 || hits > 2_800 { // seven standard deviations
		t.Errorf("%d of 10,000", hits)
	}
}
