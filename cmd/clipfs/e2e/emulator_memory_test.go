//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"clipfs/clip/emulator/producer"
	"clipfs/cmd/internal/harness"
)

const (
	// mediaBytes is how large a fragment is of which producers send one each, and frameBytes how large its frames are.
	mediaBytes, frameBytes = 45_000_000, 1_000_000
	mediaProducers         = 20
)

// largeFragment is Matroska of one fragment of large frames, which waits before its last one.
type largeFragment struct {
	left  int
	ready []byte
	wait  func() error
}

// ebml makes an element of Matroska.
func ebml(id string, content []byte) []byte {
	return append(binary.BigEndian.AppendUint64([]byte(id), 1<<56|uint64(len(content))), content...)
}

// newLargeFragment begins a fragment of a time.
func newLargeFragment(at time.Time, wait func() error) *largeFragment {
	track := ebml("\xae", bytes.Join([][]byte{ebml("\xd7", []byte{1}), ebml("\x83", []byte{1}), ebml("\x86", []byte("V_MPEG4/ISO/AVC"))}, nil))
	head := bytes.Join([][]byte{ebml("\x1a\x45\xdf\xa3", ebml("\x42\x82", []byte("matroska"))), []byte("\x18\x53\x80\x67\xff"),
		ebml("\x16\x54\xae\x6b", track), []byte("\x1f\x43\xb6\x75\xff"), ebml("\xe7", binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli())))}, nil)
	return &largeFragment{left: mediaBytes / frameBytes, ready: head, wait: wait}
}

func (f *largeFragment) Read(b []byte) (int, error) {
	if len(f.ready) == 0 {
		switch f.left--; {
		case f.left == 0:
			if err := f.wait(); err != nil {
				return 0, err
			}
		case f.left < 0:
			return 0, io.EOF
		}
		at := binary.BigEndian.AppendUint16([]byte{0x81}, uint16(mediaBytes/frameBytes-f.left))
		f.ready = ebml("\xa3", append(append(at, 0x80), make([]byte, frameBytes)...))
	}
	n := copy(b, f.ready)
	f.ready = f.ready[n:]
	return n, nil
}

// errGivenUp ends an upload before its fragment is whole.
var errGivenUp = errors.New("given up")

// TestEmulatorMemory: while 20 producers send a large fragment each, the emulator has little more in memory than these, and next to
// nothing where it has a directory for them.
func TestEmulatorMemory(t *testing.T) {
	t.Parallel()
	const underWay = mediaProducers * mediaBytes
	for _, tt := range []struct {
		name  string
		args  []string
		whole bool
		limit int64
	}{
		{"in memory", nil, true, underWay*12/10 + 60e6},
		{"in a directory", []string{"--data", t.TempDir()}, false, 120e6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := harness.StartEmulator(t, append([]string{"--quota", "off"}, tt.args...)...)
			var arrived, ended sync.WaitGroup
			arrived.Add(mediaProducers)
			gone := make(chan struct{})
			for i := range mediaProducers {
				name := fmt.Sprint("camera-", i)
				createStreams(t, e, 24, name)
				ended.Go(func() {
					_, err := producer.Put(t.Context(), e.Endpoint, name, newLargeFragment(time.Now(), func() error {
						arrived.Done()
						<-gone
						if tt.whole {
							return nil
						}
						return errGivenUp
					}), producer.Options{})
					if tt.whole && err != nil || !tt.whole && !errors.Is(err, errGivenUp) {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			arrived.Wait()
			close(gone)
			ended.Wait()
			stored := int64(0)
			for _, c := range e.Counts(t) {
				if c.API == "PutMedia" {
					stored += c.Fragments
				}
			}
			if want := map[bool]int64{true: mediaProducers}[tt.whole]; stored != want {
				t.Errorf("%d fragments stored, want %d", stored, want)
			}
			_, most := residentOf(t, e.PID())
			t.Logf("%d MB at most, %d MB under way", most/1e6, int64(underWay/1e6))
			if most > tt.limit {
				t.Errorf("%d MB of memory at most, want %d", most/1e6, tt.limit/1e6)
			}
		})
	}
}
