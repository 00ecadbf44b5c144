package footage

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/at-wat/ebml-go"
)

// matroskaTrack is what we need of a TrackEntry.
type matroskaTrack struct {
	TrackNumber      uint64           `ebml:"TrackNumber"`
	TrackType        uint64           `ebml:"TrackType"`
	CodecID          string           `ebml:"CodecID"`
	CodecPrivate     []byte           `ebml:"CodecPrivate"`
	DefaultDuration  uint64           `ebml:"DefaultDuration"`
	Video            matroskaVideo    `ebml:"Video"`
	Audio            matroskaAudio    `ebml:"Audio"`
	ContentEncodings matroskaEncoding `ebml:"ContentEncodings"`
}

type matroskaVideo struct {
	PixelWidth  uint64 `ebml:"PixelWidth"`
	PixelHeight uint64 `ebml:"PixelHeight"`
}

type matroskaAudio struct {
	SamplingFrequency float64 `ebml:"SamplingFrequency"`
	Channels          uint64  `ebml:"Channels"`
}

type matroskaEncoding struct {
	ContentEncoding []struct {
		ContentEncodingOrder uint64 `ebml:"ContentEncodingOrder"`
	} `ebml:"ContentEncoding"`
}

// matroskaReader collects what a file has, element after element.
type matroskaReader struct {
	data  []byte
	scale uint64 // nanoseconds a tick
	// video and audio are what is read of the first track of either kind; numbers 0 until they are known.
	video, audio             track
	videoNumber, audioNumber uint64
	// frame is the nominal duration of a video frame, 0 if the file does not say; last that of the frame shown last.
	frame, last time.Duration
	// shown is the PTS of the frame shown last so far.
	shown time.Duration
	// base is the time of the cluster read last.
	base time.Duration
}

// parseMatroska reads a Matroska file (RFC 9559): SimpleBlocks and BlockGroups with any lacing, clusters and segments of
// known and unknown size. Elements that we do not need are skipped.
func parseMatroska(data []byte) (*Media, error) {
	r := &matroskaReader{data: data, scale: 1_000_000}
	if err := r.segments(); err != nil {
		return nil, err
	}
	if r.videoNumber == 0 {
		return nil, fmt.Errorf("%w: no H.264 or H.265 video", ErrUnsupportedMedia)
	}
	return newMedia(r.video, r.audio, r.lastDuration(), period{})
}

// segments reads the segments of a file.
func (r *matroskaReader) segments() error {
	for off := 0; off < len(r.data); {
		e, err := nextElement(r.data, off, len(r.data))
		if err != nil {
			return err
		}
		off = e.end
		if e.id != idSegment {
			continue
		}
		if err := r.segment(e); err != nil {
			return err
		}
	}
	return nil
}

// segment reads the elements of a segment.
func (r *matroskaReader) segment(s element) error {
	for off := s.start; off < s.end; {
		e, err := nextElement(r.data, off, s.end)
		if err != nil {
			return err
		}
		switch e.id {
		case idInfo:
			err = r.info(e)
		case idTracks:
			err = r.tracks(e)
		case idCluster:
			off, err = r.cluster(e)
			if err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if e.unknown {
			return fmt.Errorf("%w: Matroska element %#x without a size", ErrInvalidMedia, e.id)
		}
		off = e.end
	}
	return nil
}

// info reads how long a tick is.
func (r *matroskaReader) info(info element) error {
	for off := info.start; off < info.end; {
		e, err := nextElement(r.data, off, info.end)
		if err != nil {
			return err
		}
		off = e.end
		if e.id != idTimecodeScale {
			continue
		}
		if r.scale, err = unsigned(r.data[e.start:e.end]); err != nil {
			return err
		}
		if r.scale == 0 || r.scale > uint64(time.Second) {
			return fmt.Errorf("%w: ticks of %d ns", ErrInvalidMedia, r.scale)
		}
	}
	return nil
}

// tracks reads the track entries and takes the first of video and the first of audio.
func (r *matroskaReader) tracks(tracks element) error {
	for off := tracks.start; off < tracks.end; {
		e, err := nextElement(r.data, off, tracks.end)
		if err != nil {
			return err
		}
		var t matroskaTrack
		entry := struct {
			TrackEntry *matroskaTrack `ebml:"TrackEntry"`
		}{&t}
		err = ebml.Unmarshal(bytes.NewReader(r.data[off:e.end]), &entry, ebml.WithIgnoreUnknown(true),
			ebml.WithMaxLeafElementSize(uint64(e.end-off)))
		if err != nil {
			return fmt.Errorf("%w: Matroska track entry: %w", ErrInvalidMedia, err)
		}
		off = e.end
		if entry.TrackEntry == nil {
			continue
		}
		if err := r.track(*entry.TrackEntry); err != nil {
			return err
		}
	}
	return nil
}

// track takes a track if it is the first of its kind.
func (r *matroskaReader) track(t matroskaTrack) error {
	isVideo := t.TrackType == typeVideo && r.videoNumber == 0
	isAudio := t.TrackType == typeAudio && r.audioNumber == 0
	if t.TrackNumber == 0 || !isVideo && !isAudio {
		return nil
	}
	if len(t.ContentEncodings.ContentEncoding) > 0 {
		return fmt.Errorf("%w: Matroska track %d is compressed or encrypted", ErrUnsupportedMedia, t.TrackNumber)
	}
	if isVideo {
		if t.Video.PixelWidth > math.MaxUint16 || t.Video.PixelHeight > math.MaxUint16 {
			return fmt.Errorf("%w: %dx%d pixels", ErrUnsupportedMedia, t.Video.PixelWidth, t.Video.PixelHeight)
		}
		r.video.Track = Track{Private: t.CodecPrivate, Width: int(t.Video.PixelWidth), Height: int(t.Video.PixelHeight)}
		switch t.CodecID {
		case codecAVC:
			r.video.Codec = H264
		case codecHEVC:
			r.video.Codec = H265
		default:
			return fmt.Errorf("%w: %s", ErrUnsupportedMedia, t.CodecID)
		}
		r.videoNumber = t.TrackNumber
		r.frame = time.Duration(min(t.DefaultDuration, uint64(maxFragment)))
		return nil
	}
	var err error
	switch t.CodecID {
	case codecAAC:
		r.audio.Track, err = newAAC(t.CodecPrivate, int(min(t.Audio.Channels, math.MaxUint16)))
	case codecACM:
		r.audio.Track, err = parseWaveFormat(t.CodecPrivate)
	default:
		err = fmt.Errorf("%w: %s", ErrUnsupportedMedia, t.CodecID)
	}
	r.audioNumber = t.TrackNumber
	return err
}

// cluster reads the blocks of a cluster and gives where it ends.
func (r *matroskaReader) cluster(c element) (end int, err error) {
	var timecode uint64
	for off := c.start; off < c.end; {
		e, err := nextElement(r.data, off, c.end)
		if err != nil {
			return 0, err
		}
		if c.unknown && isTop(e.id) {
			return off, nil
		}
		if e.unknown {
			return 0, fmt.Errorf("%w: Matroska element %#x without a size", ErrInvalidMedia, e.id)
		}
		off = e.end
		switch body := r.data[e.start:e.end]; e.id {
		case idTimecode:
			if timecode, err = unsigned(body); err == nil && timecode > math.MaxInt64/2/r.scale {
				err = fmt.Errorf("%w: timecode %d", ErrInvalidMedia, timecode)
			}
			r.base = time.Duration(timecode * r.scale)
		case idSimpleBlock:
			err = r.block(body, int64(timecode), nil)
		case idBlockGroup:
			err = r.group(e, int64(timecode))
		}
		if err != nil {
			return 0, err
		}
	}
	return c.end, nil
}

// blockGroup is what a BlockGroup says about its block.
type blockGroup struct {
	// references says that the block needs another, so it is no key frame.
	references bool
	duration   uint64
}

// group reads a BlockGroup.
func (r *matroskaReader) group(g element, timecode int64) error {
	var about blockGroup
	var block []byte
	for off := g.start; off < g.end; {
		e, err := nextElement(r.data, off, g.end)
		if err != nil {
			return err
		}
		off = e.end
		switch body := r.data[e.start:e.end]; e.id {
		case idBlock:
			block = body
		case idReference:
			about.references = true
		case idBlockDuration:
			if about.duration, err = unsigned(body); err != nil {
				return err
			}
		}
	}
	if block == nil {
		return nil
	}
	return r.block(block, timecode, &about)
}

// block reads the frames of a Block or SimpleBlock; group is nil for the latter.
func (r *matroskaReader) block(body []byte, timecode int64, group *blockGroup) error {
	b, err := ebml.UnmarshalBlock(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return fmt.Errorf("%w: Matroska block: %w", ErrInvalidMedia, err)
	}
	pts := time.Duration(timecode+int64(b.Timecode)) * time.Duration(r.scale)
	for _, data := range b.Data {
		switch {
		case len(data) == 0:
		case b.TrackNumber == r.videoNumber:
			s := Sample{PTS: pts, Sync: b.Keyframe, Data: data}
			if group != nil {
				s.Sync = !group.references
			}
			if pts >= r.shown || len(r.video.samples) == 0 {
				r.shown, r.last = pts, 0
				if group != nil {
					r.last = time.Duration(min(group.duration, uint64(maxFragment)/r.scale)) * time.Duration(r.scale)
				}
			}
			r.video.samples = append(r.video.samples, s)
			pts += r.frame
		case b.TrackNumber == r.audioNumber:
			s := Sample{PTS: pts, Duration: r.audio.FrameDuration(len(data)), Data: data}
			r.audio.samples = append(r.audio.samples, s)
			pts += s.Duration
		}
	}
	return nil
}

// lastDuration is that of the video frame shown last: what its block or the track says, to the tick; else the mean of all
// others; else 40 ms.
func (r *matroskaReader) lastDuration() time.Duration {
	d := r.last
	if d == 0 {
		d = r.frame
	}
	if n := len(r.video.samples); d == 0 && n > 1 {
		d = (r.shown - r.video.samples[0].PTS) / time.Duration(n-1)
	}
	if d = d.Round(time.Duration(r.scale)); d <= 0 {
		d = 40 * time.Millisecond
	}
	return d
}
