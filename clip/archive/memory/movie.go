package memory

import (
	"bytes"
	"encoding/binary"
	"io"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/emulator/isom"
)

// lastFrame is how long the last frame of each fragment is, which the length of a fragment leaves out.
const lastFrame = 40 * time.Millisecond

// footage is what a payload is made of.
type footage struct {
	fragments            []archive.Fragment
	moovLast, keepsHoles bool
	syncs                func(i int) bool
	created              time.Time
}

// Movie makes the payload of some fragments.
func Movie(fragments []archive.Fragment, moovLast bool, created time.Time) []byte {
	return footage{fragments: fragments, moovLast: moovLast, created: created}.movie()
}

// movie makes a payload of two frames a fragment. The first is a key frame as a rule.
func (f footage) movie() []byte {
	size, body := f.body()
	b := make([]byte, size)
	if _, err := io.ReadFull(body, b); err != nil {
		panic(err)
	}
	return b
}

// body makes the same as it is read, and tells its size: most of a payload whose head is wanted is never read.
func (f footage) body() (size int64, body io.Reader) {
	config := []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 4, 0x67, 66, 0, 30, 1, 0, 4, 0x68, 0xce, 0x38, 0x80}
	out := isom.Output{
		Created: f.created, MoovLast: f.moovLast,
		Tracks: []isom.OutputTrack{{
			Handler: isom.Video, Name: "video", Timescale: 1000, Width: 64, Height: 64,
			Entries: [][]byte{isom.NewAVCEntry(config, 64, 64)},
		}},
	}
	sync := func(i int) bool { return f.syncs == nil && i%2 == 0 || f.syncs != nil && f.syncs(i) }
	pieces := []io.Reader{nil} // for what stands before the media
	for i, one := range f.fragments {
		half := uint32(one.Size / 2)
		lasts := uint32((one.Length + lastFrame).Milliseconds() / 2)
		last := lasts
		if f.keepsHoles && i+1 < len(f.fragments) {
			last = uint32(f.fragments[i+1].Producer.Sub(one.Producer).Milliseconds()) - lasts
		}
		out.Tracks[0].Samples = append(out.Tracks[0].Samples,
			isom.SampleRun{Count: 1, Duration: lasts, Size: half, Sync: sync(2 * i)},
			isom.SampleRun{Count: 1, Duration: last, Size: half, Sync: sync(2*i + 1)})
		out.Chunks = append(out.Chunks, isom.OutputChunk{Samples: 2, Data: elsewhere(one.Size)})
		pieces = append(pieces, &media{from: uint64(one.Producer.UnixMilli()), size: one.Size})
	}
	w, err := isom.NewWriter(out)
	if err != nil {
		panic(err)
	}
	var around bytes.Buffer
	if _, err := w.WriteTo(&around); err != nil {
		panic(err)
	}
	pieces[0] = bytes.NewReader(around.Next(int(w.HeadSize())))
	return w.Size(), full{io.MultiReader(append(pieces, &around)...)}
}

// elsewhere is the size of media that a writer leaves out.
type elsewhere int64

func (e elsewhere) Size() int64                      { return int64(e) }
func (e elsewhere) WriteTo(io.Writer) (int64, error) { return int64(e), nil }

// media is that of a fragment: numbers of eight bytes that tell its time and their place in it.
type media struct {
	from     uint64
	at, size int64
}

func (m *media) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), m.size-m.at)]
	if len(p) == 0 && m.at == m.size {
		return 0, io.EOF
	}
	for n := 0; n < len(p); {
		var word [8]byte // stays 0 where the media ends within it
		within := m.at % 8
		if first := m.at - within; first+8 <= m.size {
			binary.BigEndian.PutUint64(word[:], m.from+uint64(first))
		}
		k := copy(p[n:], word[within:])
		n, m.at = n+k, m.at+int64(k)
	}
	return len(p), nil
}

// full fills what is read into, as far as there are bytes.
type full struct{ io.Reader }

func (f full) Read(p []byte) (int, error) {
	n, err := io.ReadFull(f.Reader, p)
	if n > 0 {
		err = nil
	}
	return n, err
}
