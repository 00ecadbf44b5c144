package mp4

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Fingerprint is equal for movies whose samples are the same ranges of their media at the same times: sample entries,
// timescales, edits and the tables stts, ctts, stss, stsz, stsc, and where chunks lie from media on, the position of
// the body of mdat. It says nothing of when the file was made, of names, nor of where boxes stand.
func (m *Movie) Fingerprint(media int64) [sha256.Size]byte {
	f := fingerprint{sha256.New()}
	f.number(uint64(m.Timescale))
	f.number(uint64(len(m.Tracks)))
	for _, t := range m.Tracks {
		f.track(t, media)
	}
	return [sha256.Size]byte(f.h.Sum(nil))
}

// fingerprint takes in fields so that no two sequences of them look alike: every one has a fixed length or tells it.
type fingerprint struct{ h hash.Hash }

// number takes in one number.
func (f fingerprint) number(n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	f.h.Write(b[:])
}

// bytes takes in bytes.
func (f fingerprint) bytes(b []byte) {
	f.number(uint64(len(b)))
	f.h.Write(b)
}

// track takes in one track.
func (f fingerprint) track(t *Track, media int64) {
	f.number(uint64(t.Handler))
	f.number(uint64(t.Timescale))
	f.number(uint64(len(t.Edits)))
	for _, e := range t.Edits {
		f.number(e.Duration)
		f.number(uint64(e.MediaTime))
		f.number(uint64(e.Rate))
	}
	f.number(uint64(len(t.Entries)))
	for _, e := range t.Entries {
		f.bytes(e.Raw)
	}
	f.bytes(t.Durations.raw)
	f.bytes(t.Offsets.raw)
	f.number(uint64(len(t.Syncs.raw)))
	if t.Syncs.All() {
		f.number(1)
	}
	f.bytes(t.Syncs.raw)
	f.number(uint64(t.Sizes.count))
	f.number(uint64(t.Sizes.constant))
	f.number(uint64(t.Sizes.width))
	f.bytes(t.Sizes.raw)
	f.bytes(t.ChunkRuns.raw)
	f.number(uint64(t.ChunkOffsets.Len()))
	for at := range t.ChunkOffsets.All() {
		f.number(uint64(at - media))
	}
}
