package counts_test

import (
	"io"
	"net"
	"slices"
	"testing"

	"clipfs/clip/emulator/counts"
)

// TestTable: counts are kept by operation and stream, listed in their order, and taken back no further than to nothing.
func TestTable(t *testing.T) {
	var all counts.Table
	clip, list := counts.Count{API: "GetClip", Stream: "b"}, counts.Count{API: "ListFragments", Stream: "a"}
	add := func(key counts.Count, calls, fragments, bytes, throttled, errors int64) {
		key.Calls, key.Fragments, key.Bytes, key.Throttled, key.Errors = calls, fragments, bytes, throttled, errors
		all.Add(key)
	}
	add(list, 1, 2, 3, 4, 5)
	add(clip, 1, 0, 100, 0, 0)
	add(counts.Count{API: "GetClip", Stream: "a"}, 1, 0, 0, 0, 1)
	add(list, 10, 20, 30, 40, 50)
	want := []counts.Count{{API: "GetClip", Stream: "a", Calls: 1, Errors: 1}, {API: "GetClip", Stream: "b", Calls: 1, Bytes: 100},
		{API: "ListFragments", Stream: "a", Calls: 11, Fragments: 22, Bytes: 33, Throttled: 44, Errors: 55}}
	if got := all.List(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	all.TakeBack(clip, 60)
	all.TakeBack(list, 60)
	all.TakeBack(counts.Count{API: "GetMedia"}, 60)
	want[1].Bytes, want[2].Bytes = 40, 0
	if got := all.List(); !slices.Equal(got, want) {
		t.Errorf("taken back: got %+v, want %+v", got, want)
	}
	all.Reset()
	all.TakeBack(clip, 10)
	if got := all.List(); len(got) != 0 {
		t.Errorf("forgotten: got %+v", got)
	}
}

// TestConn: what a client has taken stays counted when its connection closes, with whatever header stood before it, and a connection
// tells when it is closed. (What was never sent: TestGivenUpIsCountedAsSent, in package emulator.)
func TestConn(t *testing.T) {
	var all counts.Table
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := counts.Listener{Listener: raw, Calls: &all}
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", raw.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := accepted.(*counts.Conn)
	const header, body = 200, 1000
	key := counts.Count{API: "GetClip", Stream: "a", Bytes: body}
	all.Add(key)
	c.Begin(counts.Count{API: "GetClip", Stream: "a"})
	if !c.Add(body) {
		t.Error("closed before it is")
	}
	if _, err := c.Write(make([]byte, header+body)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, header+body)); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if c.Add(1) {
		t.Error("open after it was closed")
	}
	if got := all.List(); !slices.Equal(got, []counts.Count{key}) {
		t.Errorf("got %+v, want %+v", got, key)
	}
}
