package footage_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
)

// sink is the file of a fragment in memory.
type sink []byte

func (s *sink) Write(b []byte) (int, error) {
	*s = append(*s, b...)
	return len(b), nil
}

func (s *sink) WriteAt(b []byte, at int64) (int, error) { return copy((*s)[at:], b), nil }

// pushed gives all that Clusters gives of a reader, as fragments that are loaded when they are asked for.
func pushed(r io.Reader) ([]footage.Fragment, error) {
	c := footage.NewClusters(r)
	var frags []footage.Fragment
	for {
		at, err := c.Next()
		if err != nil {
			return frags, err
		}
		var file sink
		length, err := c.Read(&file)
		if err != nil {
			return frags, err
		}
		producer := time.UnixMilli(at.Milliseconds())
		frags = append(frags, footage.NewStored(footage.FragmentNumber(producer, uint64(len(frags))), producer, producer, length,
			int64(len(file)), func() ([]byte, error) { return file, nil }))
	}
}

func TestLoadErrors(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name string
		open func() ([]byte, error)
		want error
	}{
		{"not there", func() ([]byte, error) { return nil, broken }, broken},
		{"empty", func() ([]byte, error) { return nil, nil }, footage.ErrUnsupportedMedia},
		{"no Matroska", func() ([]byte, error) { return []byte("what"), nil }, footage.ErrInvalidMedia},
	}
	for _, tt := range tests {
		f := footage.NewStored("1", day(), day(), 0, 0, tt.open)
		if _, err := f.Load(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if _, err := payload.Plan([]footage.Fragment{f}, payload.Options{}); !errors.Is(err, footage.ErrUnsupportedMedia) {
			t.Errorf("%s: payload without loading: %v", tt.name, err)
		}
	}
}

// However a producer lies, what is read is bounded and fails with one of the errors that a producer can be told.
func FuzzClusters(f *testing.F) {
	m, err := footage.TestCard()
	if err != nil {
		f.Fatal(err)
	}
	frags := footage.NewLoop(m, day(), footage.Options{}).Fragments(footage.ByProducer, day(), day().Add(3*time.Second))
	var file bytes.Buffer
	if err := footage.WriteMatroska(&file, frags); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes()[:1500])
	f.Add([]byte("\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x16\x54\xae\x6b\x88\xae\x86\xd7\x81\x01\x83\x81\x01" +
		"\x1f\x43\xb6\x75\xff\xe7\x81\x05\xa3\x85\x81\x00\x00\x80x\x12\x54\xc3\x67\x80\x1f\x43\xb6\x75\x8a\xe7\x81\x09\xa3\x85\x81\x00\x00\x80x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frags, err := pushed(bytes.NewReader(data))
		known := []error{io.EOF, footage.ErrInvalidMedia, footage.ErrFragmentSize, footage.ErrFragmentDuration, footage.ErrOutOfOrder,
			footage.ErrTimecode, footage.ErrTagLimit, footage.ErrTrackNumber, footage.ErrTrackEmpty, footage.ErrTrackCount, footage.ErrCut}
		if !slices.ContainsFunc(known, func(k error) bool { return errors.Is(err, k) }) {
			t.Fatalf("unknown error %v", err)
		}
		for i, fr := range frags {
			if fr.Length < -20*time.Second || fr.Length > 20*time.Second || i > 0 && fr.Producer.Before(frags[i-1].Producer) {
				t.Errorf("fragment %d at %s of %s", i, fr.Producer, fr.Length)
			}
			if loaded, err := fr.Load(); err == nil {
				p, err := payload.Plan([]footage.Fragment{loaded}, payload.Options{})
				if err == nil {
					_, err = p.WriteTo(io.Discard)
				}
				if err != nil {
					t.Logf("payload: %v", err)
				}
			}
		}
	})
}
