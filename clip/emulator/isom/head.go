package isom

import (
	"encoding/binary"
	"math"
	"time"
)

// ftyp makes a file type box (4.3): the brands isom and iso2 (annex E) and mp41 (ISO/IEC 14496-14 4), and avc1 (annex E.4)
// where a track is coded so.
func (p *plan) ftyp() []byte {
	brands := "isomiso2"
	for _, t := range p.tracks {
		for _, e := range t.Entries {
			if string(e[4:8]) == "avc1" && brands == "isomiso2" {
				brands += "avc1"
			}
		}
	}
	return Make("ftyp", []byte("isom\x00\x00\x02\x00"+brands+"mp41"))
}

// mdatHeader makes the header of a media data box (8.1.1), with a 64-bit size where needed.
func mdatHeader(media int64) []byte {
	if media+8 <= math.MaxUint32 {
		return append(Words(uint32(media+8)), "mdat"...)
	}
	return binary.BigEndian.AppendUint64(append(Words(1), "mdat"...), uint64(media+16))
}

// moov makes the movie box (8.2.1) of a file whose media begins at base.
func (p *plan) moov(base int64) []byte {
	parts := [][]byte{timed("mvhd", 0, p.Created, Words(p.Timescale), p.duration,
		Words(0x10000, 0x1000000, 0, 0), matrix(), make([]byte, 24), Words(uint32(len(p.tracks)+1)))} // rate and volume 1.0
	for i, t := range p.tracks {
		parts = append(parts, t.trak(uint32(i+1), p.Created, base))
	}
	return Make("moov", parts...)
}

// trak makes a track (8.3.1).
func (t *trackPlan) trak(id uint32, created time.Time, base int64) []byte {
	const enabled, inMovie = 1, 2
	volume, media := uint32(0), Make("vmhd", Words(1, 0, 0)) // the flags of vmhd are 1 by rule (12.1.2)
	if t.Handler == Sound {
		volume, media = 0x1000000, Make("smhd", Words(0, 0))
	}
	return Make("trak",
		timed("tkhd", enabled|inMovie, created, Words(id, 0), t.duration,
			Words(0, 0, 0, volume), matrix(), Words(uint32(t.Width)<<16, uint32(t.Height)<<16)),
		t.edts(),
		Make("mdia",
			timed("mdhd", 0, created, Words(t.Timescale), t.ticks, Words(uint32(packLanguage(t.Language))<<16)),
			Make("hdlr", Words(0, 0), []byte(t.Handler), Words(0, 0, 0), []byte(t.Name+"\x00")),
			Make("minf", media,
				Make("dinf", Make("dref", Words(0, 1), Make("url ", Words(1)))), // flag 1: the media lies in this file
				t.stbl(base))))
}

// stbl makes the sample tables (8.5.1), in the order the standard recommends (6.2.3).
func (t *trackPlan) stbl(base int64) []byte {
	parts := [][]byte{Make("stsd", append([][]byte{Words(0, uint32(len(t.Entries)))}, t.Entries...)...), Make("stts", t.stts)}
	if t.shifted {
		parts = append(parts, Make("ctts", t.ctts))
	}
	if t.listed {
		parts = append(parts, Make("stss", t.stss))
	}
	return Make("stbl", append(parts, Make("stsc", table(0, 12, t.stsc)), Make("stsz", t.stsz), t.stco(base))...)
}

// stco makes the chunk offset box, a co64 where an offset needs 64 bits.
func (t *trackPlan) stco(base int64) []byte {
	if n := len(t.chunks); n == 0 || t.chunks[n-1]+base <= math.MaxUint32 {
		list := make([]uint32, 0, n)
		for _, at := range t.chunks {
			list = append(list, uint32(at+base))
		}
		return Make("stco", table(0, 4, Words(list...)))
	}
	var list []byte
	for _, at := range t.chunks {
		list = binary.BigEndian.AppendUint64(list, uint64(at+base))
	}
	return Make("co64", table(0, 8, list))
}

// timed makes a full box that begins with times and a duration, after what comes in between: mvhd (8.2.2), tkhd (8.3.2) or
// mdhd (8.4.2). It has version 1 where a value needs 64 bits; all ones in 32 bits mean that a duration is unknown.
func timed(kind string, flags uint32, created time.Time, between []byte, duration uint64, rest ...[]byte) []byte {
	at := seconds(created)
	version := uint32(0)
	if at >= math.MaxUint32 || duration >= math.MaxUint32 {
		version = 1
	}
	wide := version == 1
	head := append(uintOf(uintOf(Words(version<<24|flags), at, wide), at, wide), between...)
	return Make(kind, append([][]byte{uintOf(head, duration, wide)}, rest...)...)
}

// edts makes an edit list in its container, or nothing if there are no edits.
func (t *trackPlan) edts() []byte {
	if len(t.Edits) == 0 {
		return nil
	}
	wide, version := false, uint32(0)
	for _, e := range t.Edits {
		wide = wide || e.Duration > math.MaxUint32 || e.MediaTime > math.MaxInt32 || e.MediaTime < math.MinInt32
	}
	if wide {
		version = 1 << 24
	}
	list := Words(version, uint32(len(t.Edits)))
	for _, e := range t.Edits {
		list = append(uintOf(uintOf(list, e.Duration, wide), uint64(e.MediaTime), wide), Words(0x10000)...) // normal speed
	}
	return Make("edts", Make("elst", list))
}

// uintOf appends a number of 64 or 32 bits.
func uintOf(b []byte, v uint64, wide bool) []byte {
	if wide {
		return binary.BigEndian.AppendUint64(b, v)
	}
	return binary.BigEndian.AppendUint32(b, uint32(v))
}

// matrix makes the unity matrix: 16.16 in the first two columns, 2.30 in the last (6.2.2).
func matrix() []byte { return Words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) }

// packLanguage gives three letters as five bits each; what is not three lower-case letters is undetermined, "und".
func packLanguage(s string) uint16 {
	var v uint16
	for _, c := range []byte(s) {
		if len(s) != 3 || c < 'a' || c > 'z' {
			return packLanguage("und")
		}
		v = v<<5 | uint16(c-0x60)
	}
	if s == "" {
		return packLanguage("und")
	}
	return v
}

// seconds gives a time as the format counts it, from 1904 on (8.2.2); the zero time and all before are 0.
func seconds(t time.Time) uint64 {
	const epoch = -2082844800 // 1904-01-01T00:00:00Z in Unix time
	if s := t.Unix() - epoch; !t.IsZero() && s > 0 {
		return uint64(s)
	}
	return 0
}
