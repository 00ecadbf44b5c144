package disk_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"

	"clipfs/cache/disk"
)

// pairOf makes a pair of some bytes in a new directory.
func pairOf(t *testing.T, p []byte) (*disk.Directory, disk.Name) {
	t.Helper()
	d, err := disk.OpenDirectory(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, sealPair(t, d, 1, p)
}

// sealPair fills a pair of the key "k".
func sealPair(t *testing.T, d *disk.Directory, created int64, p []byte) disk.Name {
	t.Helper()
	var f disk.File
	grown, err := f.Grow(d, "k", created, disk.Pair)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = grown.Close() }()
	if _, err := grown.Write(p); err != nil {
		t.Fatal(err)
	}
	var footer disk.Footer
	for block := range slices.Chunk(p, disk.SumBlock) {
		footer.Sums = append(footer.Sums, disk.Castagnoli(0, block))
	}
	name := disk.Name{Key: "k", Size: int64(len(p)), Created: created, Role: disk.Data}
	if err := f.Seal(d, grown, footer, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// provenPair is pairOf with its proof.
func provenPair(t *testing.T, p []byte) (*disk.Directory, disk.Name) {
	t.Helper()
	d, name := pairOf(t, p)
	if err := disk.DueWritten(t, d).Prove(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d, name
}

// found is the file of an entry that was there at the start.
func found(d *disk.Directory, name disk.Name) *disk.File {
	f := new(disk.File)
	f.Find(d, name)
	return f
}

// TestProofFoundByTwo: whoever opens a pair has nothing to check, also while another reads the same proof.
func TestProofFoundByTwo(t *testing.T) {
	const size = disk.SumBlock
	d, name := provenPair(t, make([]byte, size))
	for range 500 {
		f := found(d, name)
		var looked sync.WaitGroup
		looked.Go(func() {
			if _, err := f.Look(d, size); err != nil {
				t.Error(err)
			}
		})
		open, checks, _, err := f.Open(d, size, nil)
		looked.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if err := open.Close(); err != nil || checks != nil {
			t.Fatalf("to be checked: %v, %v", checks != nil, err)
		}
	}
}

// TestEmptyPairIsProven: of an empty pair nothing is to be checked, whatever its proof says.
func TestEmptyPairIsProven(t *testing.T) {
	d, name := pairOf(t, nil)
	f := found(d, name)
	if done, err := f.Check(d, 0, 16, new([disk.SumBlock]byte)); !done || err != nil {
		t.Errorf("done %v, %v", done, err)
	}
}

// TestCheckedBeforeAChange: what was checked before another program changed the file says nothing of what it has now, also
// once somebody else has begun to check that.
func TestCheckedBeforeAChange(t *testing.T) {
	const size = 3 * disk.SumBlock
	p := bytes.Repeat([]byte("clip"), size/4)
	d, name := provenPair(t, p)
	disk.OtherBoot(d)
	f := found(d, name)
	buffers := sync.Pool{New: func() any { return new([disk.SumBlock]byte) }}
	open, checks, _, err := f.Open(d, size, &buffers)
	if err != nil || checks == nil {
		t.Fatal(checks, err)
	}
	defer func() { _ = open.Close() }()
	if _, err := checks.ReadAt(open, make([]byte, size), 0); err != nil || !checks.Whole() {
		t.Fatal(err)
	}
	if !f.Unchanged(open, checks) {
		t.Error("changed although nobody has")
	}
	other, err := os.OpenFile(f.Path(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.WriteAt([]byte("damage"), size-10)
	if err := errors.Join(err, other.Close()); err != nil {
		t.Fatal(err)
	}
	if f.Unchanged(open, checks) {
		t.Error("unchanged although another program wrote to it")
	}
	if done, err := f.Check(d, size, 1, new([disk.SumBlock]byte)); done || err != nil {
		t.Fatal(done, err)
	}
	if f.Unchanged(open, checks) {
		t.Error("unchanged since a check of some of it has begun")
	}
	if f.Unchanged(open, nil) {
		t.Error("unchanged for a caller with nothing to check, though a check of some of it has begun")
	}
}
