package shared_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/shared"

	"github.com/google/go-cmp/cmp"
)

// secret gives the key of a fleet.
func secret(t testing.TB, text string) shared.Key {
	t.Helper()
	k, err := shared.NewKey([]byte(strings.Repeat(text, 32) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// someName is that of a payload.
func someName() shared.Name {
	return shared.Name{Stream: "123456789012/eu-west-1/cam/1700000000000", Kind: shared.Media, Key: "p-00112233445566778899aabbccddeeff"}
}

// content gives so many bytes.
func content(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// headerOf gives a header of so many bytes.
func headerOf(n int) shared.Header {
	at := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	return shared.Header{
		Kind: shared.Media, Size: int64(n), Payload: int64(n), Tables: [32]byte{1}, Digest: [32]byte{2}, Ingested: at.Add(time.Second),
		Start: at, End: at.Add(time.Minute), Part: time.Minute, Gap: 2 * time.Second,
		Fragments: []archive.FragmentID{"91343852333181432392682062622220590765191907586", "91343852333181432392682062622220590765191907587"},
	}
}

// object gives a whole object of so many bytes.
func object(t testing.TB, k shared.Key, n int) []byte {
	t.Helper()
	media := content(n)
	head, err := k.Encode(someName(), headerOf(n), bytes.NewReader(media))
	if err != nil {
		t.Fatal(err)
	}
	return append(head, media...)
}

// read decodes an object and reads all of it.
func read(k shared.Key, name shared.Name, o []byte) (shared.Header, []byte, error) {
	h, body, err := k.Decode(name, int64(len(o)), bytes.NewReader(o))
	if err != nil {
		return h, nil, err
	}
	got, err := io.ReadAll(body)
	return h, got, err
}

func TestRoundTrip(t *testing.T) {
	for _, k := range []shared.Key{{}, secret(t, "a")} {
		for _, n := range []int{1, shared.Block - 1, shared.Block, shared.Block + 1, 3*shared.Block + 17} {
			h, got, err := read(k, someName(), object(t, k, n))
			if err != nil || !bytes.Equal(got, content(n)) {
				t.Errorf("%d bytes, key %q: %d bytes, %v", n, k.ID(), len(got), err)
			}
			if diff := cmp.Diff(headerOf(n), h); diff != "" {
				t.Error(diff)
			}
		}
	}
}

// TestDamage: wherever a bit of an object is turned, that is found before any byte of its block is handed on.
func TestDamage(t *testing.T) {
	const n = 2*shared.Block + 100
	for _, k := range []shared.Key{{}, secret(t, "a")} {
		whole := object(t, k, n)
		head := len(whole) - n
		for at := 0; at < len(whole); at++ {
			if at > head+16 { // each byte of the header, a few of each block
				at += 7919
			}
			if at >= len(whole) {
				break
			}
			o := slices.Clone(whole)
			o[at] ^= 4
			_, got, err := read(k, someName(), o)
			if !errors.Is(err, shared.ErrObject) {
				t.Fatalf("key %q, a bit turned at %d: %v", k.ID(), at, err)
			}
			if before := max(0, at-head) / shared.Block * shared.Block; len(got) != before {
				t.Fatalf("key %q, a bit turned at %d: %d bytes were handed on, want %d", k.ID(), at, len(got), before)
			}
		}
	}
}

// TestCut: an object that is shorter or longer than it says is none, and one whose connection ends is told from that.
func TestCut(t *testing.T) {
	const n = shared.Block + 100
	k := secret(t, "a")
	whole := object(t, k, n)
	for _, size := range []int{0, 1, shared.FixedSize - 1, shared.FixedSize, len(whole) - n - 1, len(whole) - n, len(whole) - 1} {
		if _, _, err := read(k, someName(), whole[:size]); !errors.Is(err, shared.ErrObject) {
			t.Errorf("cut to %d: %v", size, err)
		}
		h, body, err := k.Decode(someName(), int64(len(whole)), bytes.NewReader(whole[:size]))
		if err == nil {
			var got []byte
			got, err = io.ReadAll(body)
			if h.Size != n || len(got) > size {
				t.Errorf("connection cut at %d: %d bytes of %d", size, len(got), h.Size)
			}
		}
		if err == nil || errors.Is(err, shared.ErrObject) {
			t.Errorf("connection cut at %d: %v", size, err)
		}
	}
	if _, _, err := read(k, someName(), append(slices.Clone(whole), 0)); !errors.Is(err, shared.ErrObject) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestForged: with a secret nothing that was made without it is read, and nothing under another name.
func TestForged(t *testing.T) {
	ours, theirs, none := secret(t, "a"), secret(t, "b"), shared.Key{}
	other := someName()
	other.Key = "p-ff112233445566778899aabbccddeeff"
	stream := someName()
	stream.Stream = "123456789012/eu-west-1/yard/1700000000000"
	head := someName()
	head.Kind = shared.Heads
	for _, test := range []struct {
		what     string
		by, with shared.Key
		name     shared.Name
	}{
		{"another secret", theirs, ours, someName()},
		{"no secret", none, ours, someName()},
		{"a secret where none is", ours, none, someName()},
		{"the name of another payload", ours, ours, other},
		{"another stream", ours, ours, stream},
		{"another stream, without a secret", none, none, stream},
		{"another kind", ours, ours, head},
	} {
		if _, got, err := read(test.with, test.name, object(t, test.by, 1000)); !errors.Is(err, shared.ErrObject) || len(got) > 0 {
			t.Errorf("%s: %d bytes, %v", test.what, len(got), err)
		}
	}
	// The block of another object in the place of one, with its check.
	a, b := object(t, ours, 2*shared.Block), object(t, ours, 2*shared.Block+1)
	mixed := append(slices.Clone(a[:len(a)-shared.Block]), b[len(b)-shared.Block:]...)
	if _, got, err := read(ours, someName(), mixed); !errors.Is(err, shared.ErrObject) || len(got) != shared.Block {
		t.Errorf("a block of another object: %d bytes, %v", len(got), err)
	}
}

// TestForeign: what says what cannot be is refused before anything is allocated by what it says.
func TestForeign(t *testing.T) {
	const kind, keyed, checkSize, fragments, numbers, size, ingested = 8, 9, 10, 12, 16, 20, 36
	put32 := func(at int, n uint32) func([]byte) {
		return func(o []byte) { binary.LittleEndian.PutUint32(o[at:], n) }
	}
	put64 := func(at int, n int64) func([]byte) {
		return func(o []byte) { binary.LittleEndian.PutUint64(o[at:], uint64(n)) }
	}
	for what, change := range map[string]func([]byte){
		"another version":   func(o []byte) { o[7]++ },
		"no magic":          func(o []byte) { clear(o[:8]) },
		"another kind":      func(o []byte) { o[kind] = 'x' },
		"keyed":             func(o []byte) { o[keyed] = 1 },
		"checks of 0":       func(o []byte) { clear(o[checkSize : checkSize+2]) },
		"many fragments":    put32(fragments, 1<<31),
		"many numbers":      put32(numbers, 1<<31),
		"no bytes":          put64(size, 0),
		"negative bytes":    put64(size, -1),
		"too many bytes":    put64(size, 1<<62),
		"before 1970":       put64(ingested, -1),
		"after all times":   put64(ingested, 1<<60),
		"one fragment more": put32(fragments, 3),
	} {
		o := object(t, shared.Key{}, 1000)
		change(o)
		if allocated := testing.AllocsPerRun(1, func() {
			if _, _, err := read(shared.Key{}, someName(), o); !errors.Is(err, shared.ErrObject) {
				t.Errorf("%s: %v", what, err)
			}
		}); allocated > 100 {
			t.Errorf("%s: %v allocations", what, allocated)
		}
	}
}

func TestNames(t *testing.T) {
	n := someName()
	if got, want := n.String(), "123456789012/eu-west-1/cam/1700000000000/m/00/p-00112233445566778899aabbccddeeff"; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	if back, ok := shared.ParseName(n.String()); !ok || back != n {
		t.Errorf("back %+v, %v", back, ok)
	}
	for _, wrong := range []string{"", "a/b", n.String() + "/x", strings.Replace(n.String(), "/m/", "/x/", 1), strings.Replace(n.String(), "/00/", "/01/", 1)} {
		if got, ok := shared.ParseName(wrong); ok {
			t.Errorf("%q is read as %+v", wrong, got)
		}
	}
	k := secret(t, "a")
	for prefix, want := range map[string]string{"": "v1-" + k.ID() + "/", "/a/b/": "a/b/v1-" + k.ID() + "/"} {
		if got := shared.Root(prefix, k); got != want {
			t.Errorf("root %s, want %s", got, want)
		}
	}
	if got := shared.Root("a", shared.Key{}); got != "a/v1/" {
		t.Errorf("root without a key: %s", got)
	}
	if k.ID() == secret(t, "b").ID() || len(k.ID()) != 8 {
		t.Errorf("ids %s and %s", k.ID(), secret(t, "b").ID())
	}
	if _, err := shared.NewKey([]byte("short")); err == nil {
		t.Error("a short secret is taken")
	}
}

func TestFolders(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:kinesisvideo:eu-west-1:123456789012:stream/cam/1700000000000":          "123456789012/eu-west-1/cam/1700000000000",
		"arn:aws-cn:kinesisvideo:cn-north-1:123456789012:stream/cam/1700000000000":      "123456789012/cn-north-1/cam/1700000000000",
		"arn:aws:kinesisvideo:eu-west-1:123456789012:stream/cam":                        "",
		"arn:aws:kinesisvideo:eu-west-1:123456789012:stream/yard/1700000000000":         "",
		"arn:aws:kinesisvideo::123456789012:stream/cam/1700000000000":                   "",
		"arn:aws:kinesisvideo:../x:123456789012:stream/cam/1700000000000":               "",
		"arn:aws:kinesisvideo:eu-west-1:123456789012:stream/cam/1700000000000/../other": "",
		"": "",
	} {
		got, ok := shared.FolderOf(archive.Stream{Name: "cam", ARN: arn})
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", arn, got, ok, want)
		}
	}
}

// FuzzDecode: whatever an object says, it is read within its bounds or refused, and what was not made with the secret is refused.
func FuzzDecode(f *testing.F) {
	k := secret(f, "a")
	whole := object(f, k, shared.Block+100)
	f.Add(whole, int64(len(whole)), true)
	f.Add(object(f, shared.Key{}, 100), int64(10), false)
	f.Add([]byte("clipfsT\x01m"), int64(1<<40), false)
	f.Fuzz(func(t *testing.T, o []byte, total int64, keyed bool) {
		key := shared.Key{}
		if keyed {
			key = k
		}
		h, body, err := key.Decode(someName(), total, bytes.NewReader(o))
		if err != nil {
			return
		}
		got, err := io.ReadAll(body)
		if keyed && err == nil && !bytes.Equal(got, whole[len(whole)-len(got):]) {
			t.Fatalf("%d bytes that nobody with the secret made", len(got))
		}
		if int64(len(got)) > h.Size || err == nil && int64(len(got)) != h.Size {
			t.Fatalf("%d bytes of %d, %v", len(got), h.Size, err)
		}
	})
}
