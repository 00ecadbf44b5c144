package download

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// Head is what the head of a payload says.
type Head struct {
	// Size of the whole payload; MediaStart and MediaEnd bound the body of its mdat. In bytes.
	Size, MediaStart, MediaEnd int64
	// MoovLast says that moov comes after the media.
	MoovLast bool
	// Tables is the fingerprint of the movie: payloads of one fingerprint have the same samples at the same places of
	// their media.
	Tables [sha256.Size]byte
	// Split is 0 where the call brings the payload; else it says what is to be done instead, as the caller noted it.
	Split int
	Moov  []byte
}

// The form of a head on disk: magic, CRC-32C of what follows it, then numbers, fingerprint and moov.
const (
	headMagic     = "clipfs head 1\n\x00\x00"
	headNumbers   = 5
	headFixed     = len(headMagic) + 4 + 8*headNumbers + sha256.Size
	headMoovLast  = 1
	maxHeadRecord = headFixed + mp4.MaxMoov
)

// errHeadRecord: what is on disk is not a head.
var errHeadRecord = errors.New("damaged record of a head")

// castagnoli gives CRC-32C (RFC 3720, 12.1).
func castagnoli(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }

// encode gives the head as it is kept on disk.
func (h Head) encode() []byte {
	b := make([]byte, 0, headFixed+len(h.Moov))
	b = append(b, headMagic...)
	b = append(b, 0, 0, 0, 0)
	flags := uint64(0)
	if h.MoovLast {
		flags = headMoovLast
	}
	for _, n := range [headNumbers]uint64{uint64(h.Size), uint64(h.MediaStart), uint64(h.MediaEnd), uint64(h.Split), flags} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(append(b, h.Tables[:]...), h.Moov...)
	binary.BigEndian.PutUint32(b[len(headMagic):], castagnoli(b[len(headMagic)+4:]))
	return b
}

// decodeHead reads what encode gave. The moov is a part of b.
func decodeHead(b []byte) (Head, error) {
	if len(b) < headFixed || string(b[:len(headMagic)]) != headMagic ||
		binary.BigEndian.Uint32(b[len(headMagic):]) != castagnoli(b[len(headMagic)+4:]) {
		return Head{}, errHeadRecord
	}
	var n [headNumbers]uint64
	rest := b[len(headMagic)+4:]
	for i := range n {
		n[i], rest = binary.BigEndian.Uint64(rest), rest[8:]
	}
	h := Head{Size: int64(n[0]), MediaStart: int64(n[1]), MediaEnd: int64(n[2]), Split: int(n[3]), MoovLast: n[4] == headMoovLast}
	h.Moov = rest[copy(h.Tables[:], rest):]
	return h, nil
}

// boxHeaderSize is the most that the header of a box takes.
const boxHeaderSize = 16

// readHead reads the head of a payload that may still be arriving; it waits for no more than it needs. ErrMedia if it is
// no MP4 that we understand.
func readHead(ctx context.Context, e *cache.Entry) (Head, error) {
	size, err := e.Size(ctx)
	if err != nil {
		return Head{}, err
	}
	h := Head{Size: size}
	for at := int64(0); h.Moov == nil || h.MediaEnd == 0; {
		box, end, err := readBoxHeader(ctx, e, at, size)
		if err != nil {
			return Head{}, err
		}
		switch {
		case box.Type == mp4.TypeMoov && h.Moov == nil:
			if h.Moov, err = readRange(ctx, e, at, end); err != nil {
				return Head{}, err
			}
			h.MoovLast = h.MediaEnd > 0
		case box.Type == mp4.TypeMdat && h.MediaEnd == 0:
			h.MediaStart, h.MediaEnd = at+int64(box.HeaderSize), end
		}
		at = end
	}
	movie, err := mp4.ParseMovie(h.Moov)
	if err != nil {
		return Head{}, fmt.Errorf("payload: %w: %w", archive.ErrMedia, err)
	}
	if err := reaches(movie, size); err != nil {
		return Head{}, err
	}
	h.Tables = movie.Fingerprint(h.MediaStart)
	return h, nil
}

// readBoxHeader reads the header of the box at a position of a payload, and tells where the box ends.
func readBoxHeader(ctx context.Context, e *cache.Entry, at, size int64) (box mp4.BoxHeader, end int64, err error) {
	var b [boxHeaderSize]byte
	n, err := e.ReadAt(ctx, b[:min(boxHeaderSize, size-at)], at)
	if err != nil && !errors.Is(err, io.EOF) {
		return box, 0, err
	}
	if box, err = mp4.ParseBoxHeader(b[:n]); err != nil {
		return box, 0, fmt.Errorf("payload at %d: %w: %w", at, archive.ErrMedia, err)
	}
	if box.Size > size-at {
		return box, 0, fmt.Errorf("box %s of %d bytes at %d of a payload of %d bytes: %w", box.Type, box.Size, at, size, archive.ErrMedia)
	}
	if box.Size == 0 {
		return box, size, nil
	}
	return box, at + box.Size, nil
}

// readRange reads [from, to) of a payload into memory.
func readRange(ctx context.Context, e *cache.Entry, from, to int64) ([]byte, error) {
	if to-from > mp4.MaxMoov {
		return nil, fmt.Errorf("moov of %d bytes: %w", to-from, archive.ErrMedia)
	}
	b := make([]byte, to-from)
	if _, err := e.ReadAt(ctx, b, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

// errCutEntry: the cache has a payload that was kept although it had been cut. It is a cache.ErrDamaged.
var errCutEntry = fmt.Errorf("tables reach beyond the payload: %w", cache.ErrDamaged)

// reaches makes sure that the media of a movie lies within a payload of so many bytes.
func reaches(m *mp4.Movie, size int64) error {
	end, err := m.MediaEnd()
	if err != nil {
		return fmt.Errorf("payload: %w: %w", archive.ErrMedia, err)
	}
	if end > size {
		return errCutEntry
	}
	return nil
}
