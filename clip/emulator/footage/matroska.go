package footage

import (
	"fmt"
	"math"

	"github.com/at-wat/ebml-go/webm"
)

// Elements of Matroska that we walk ourselves (RFC 9559 5.1).
const (
	idEBML          = 0x1a45dfa3
	idSegment       = 0x18538067
	idInfo          = 0x1549a966
	idTimecodeScale = 0x2ad7b1
	idTracks        = 0x1654ae6b
	idCluster       = 0x1f43b675
	idTimecode      = 0xe7
	idSimpleBlock   = 0xa3
	idBlockGroup    = 0xa0
	idBlock         = 0xa1
	idReference     = 0xfb
	idBlockDuration = 0x9b
	idSeekHead      = 0x114d9b74
	idCues          = 0x1c53bb6b
	idAttachments   = 0x1941a469
	idChapters      = 0x1043a770
	idTags          = 0x1254c367
)

// Codec IDs (Matroska codec specifications; PutMedia takes these).
const (
	codecAVC  = "V_MPEG4/ISO/AVC"
	codecHEVC = "V_MPEGH/ISO/HEVC"
	codecAAC  = "A_AAC"
	codecACM  = "A_MS/ACM"
)

// Track numbers and types of what we write.
const (
	videoNumber, audioNumber = 1, 2
	typeVideo, typeAudio     = 1, 2
)

// element is one element of EBML (RFC 8794): its content is data[start:end].
type element struct {
	id         uint32
	start, end int
	// unknown says that no size was given; end is then that of what it lies in.
	unknown bool
}

// nextElement reads the header of the element at off; limit is where the one it lies in ends.
func nextElement(data []byte, off, limit int) (element, error) {
	id, n := vint(data[off:limit], 4, true)
	if n == 0 {
		return element{}, fmt.Errorf("%w: Matroska element at %d", ErrInvalidMedia, off)
	}
	size, k := vint(data[off+n:limit], 8, false)
	if k == 0 {
		return element{}, fmt.Errorf("%w: size of Matroska element at %d", ErrInvalidMedia, off)
	}
	e := element{id: uint32(id), start: off + n + k, end: limit}
	if size == 1<<(7*k)-1 {
		e.unknown = true
		return e, nil
	}
	if size > uint64(limit-e.start) {
		return element{}, fmt.Errorf("%w: Matroska element at %d of %d bytes, %d left", ErrInvalidMedia, off, size, limit-e.start)
	}
	e.end = e.start + int(size)
	return e, nil
}

// vint reads a number of variable length, at most longest bytes; with its marker for an element ID. The length is 0 if
// there is none.
func vint(data []byte, longest int, marker bool) (uint64, int) {
	if len(data) == 0 || data[0] == 0 {
		return 0, 0
	}
	n := 1
	for mask := byte(0x80); data[0]&mask == 0; mask >>= 1 {
		n++
	}
	if n > longest || n > len(data) {
		return 0, 0
	}
	var v uint64
	for _, b := range data[:n] {
		v = v<<8 | uint64(b)
	}
	if !marker {
		v &^= 1 << (7 * n)
	}
	return v, n
}

// isTop reports whether an element lies directly in a segment, or begins another; such an element ends a cluster of
// unknown size (RFC 8794 6.2).
func isTop(id uint32) bool {
	switch id {
	case idEBML, idSegment, idInfo, idTracks, idCluster, idSeekHead, idCues, idAttachments, idChapters, idTags:
		return true
	}
	return false
}

// unsigned reads the content of an unsigned integer.
func unsigned(data []byte) (uint64, error) {
	if len(data) > 8 {
		return 0, fmt.Errorf("%w: Matroska number of %d bytes", ErrInvalidMedia, len(data))
	}
	var v uint64
	for _, b := range data {
		v = v<<8 | uint64(b)
	}
	return v, nil
}

// matroskaHeader is what stands before the first cluster: EBML, the segment's header, Info and Tracks.
type matroskaHeader struct {
	Header  webm.EBMLHeader `ebml:"EBML"`
	Segment matroskaSegment `ebml:"Segment,size=unknown"`
}

// matroskaSegment is a segment up to its clusters.
type matroskaSegment struct {
	Info   webm.Info   `ebml:"Info"`
	Tracks webm.Tracks `ebml:"Tracks"`
}

// newMatroskaHeader makes the header of fragments with these tracks.
func newMatroskaHeader(video, audio Track) *matroskaHeader {
	h := &matroskaHeader{
		Header: webm.EBMLHeader{EBMLVersion: 1, EBMLReadVersion: 1, EBMLMaxIDLength: 4, EBMLMaxSizeLength: 8,
			DocType: "matroska", DocTypeVersion: 4, DocTypeReadVersion: 2},
	}
	h.Segment.Info = webm.Info{TimecodeScale: 1_000_000, MuxingApp: "clipfs", WritingApp: "clipfs"}
	v := webm.TrackEntry{TrackNumber: videoNumber, TrackUID: videoNumber, TrackType: typeVideo, CodecID: codecAVC,
		CodecPrivate: video.Private, Video: &webm.Video{PixelWidth: uint64(video.Width), PixelHeight: uint64(video.Height)}}
	if video.Codec == H265 {
		v.CodecID = codecHEVC
	}
	h.Segment.Tracks.TrackEntry = []webm.TrackEntry{v}
	if audio.Codec == 0 {
		return h
	}
	a := webm.TrackEntry{TrackNumber: audioNumber, TrackUID: audioNumber, TrackType: typeAudio, CodecID: codecAAC,
		CodecPrivate: audio.Private, Audio: &webm.Audio{SamplingFrequency: float64(audio.SampleRate), Channels: uint64(audio.Channels)}}
	if audio.Codec.IsG711() {
		a.CodecID, a.CodecPrivate = codecACM, waveFormat(audio)
	}
	h.Segment.Tracks.TrackEntry = append(h.Segment.Tracks.TrackEntry, a)
	return h
}

// maxTimecode is the furthest that a block can be from the timecode of its cluster.
const maxTimecode = math.MaxInt16
