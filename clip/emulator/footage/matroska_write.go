package footage

import (
	"bytes"
	"fmt"
	"io"

	"github.com/at-wat/ebml-go"
)

// matroskaCluster is one cluster, which is one fragment.
type matroskaCluster struct {
	Cluster struct {
		Timecode    uint64       `ebml:"Timecode"`
		SimpleBlock []ebml.Block `ebml:"SimpleBlock"`
	} `ebml:"Cluster"`
}

// WriteMatroska writes fragments as they are stored and as producers send them (Kinesis Video Streams, PutMedia): one
// cluster each, whose timecode is the producer time in milliseconds since 1970; the segment has no size. All have the
// tracks of the first: else it is ErrCodecChange.
func WriteMatroska(w io.Writer, frags []Fragment) error {
	if len(frags) == 0 {
		return ErrNoFragments
	}
	if err := Check(frags); err != nil {
		return err
	}
	audio, _ := frags[0].AudioTrack()
	if err := WriteHeader(w, frags[0].VideoTrack(), audio); err != nil {
		return err
	}
	for _, f := range frags {
		if err := WriteCluster(w, f.Producer.UnixMilli(), f.Video(), f.Audio()); err != nil {
			return fmt.Errorf("fragment %s: %w", f.Number, err)
		}
	}
	return nil
}

// Check reports whether fragments can go into one file: ErrUnsupportedMedia, ErrNoCodecPrivateData or ErrCodecChange where not.
func Check(frags []Fragment) error {
	first := frags[0]
	audio, _ := first.AudioTrack()
	for _, f := range frags {
		a, _ := f.AudioTrack()
		if err := checkTracks(f.VideoTrack(), a); err != nil {
			return fmt.Errorf("fragment %s: %w", f.Number, err)
		}
		if !f.VideoTrack().same(first.VideoTrack()) || !a.same(audio) {
			return fmt.Errorf("fragment %s: %w", f.Number, ErrCodecChange)
		}
	}
	return nil
}

// WriteHeader writes what stands before the first cluster of these tracks; audio may be none.
func WriteHeader(w io.Writer, video, audio Track) error {
	return ebml.Marshal(newMatroskaHeader(video, audio), w)
}

// WriteCluster writes samples whose times count from timecode, in milliseconds, as one cluster: audio before the video
// frame that is decoded later.
func WriteCluster(w io.Writer, timecode int64, video, audio []Sample) error {
	var c matroskaCluster
	c.Cluster.Timecode = uint64(timecode)
	c.Cluster.SimpleBlock = make([]ebml.Block, 0, len(video)+len(audio))
	add := func(number uint64, s Sample) error {
		at := s.PTS.Milliseconds()
		if at > maxTimecode || at < -maxTimecode {
			return fmt.Errorf("%w: a frame %v from the start of its fragment", ErrUnsupportedMedia, s.PTS)
		}
		c.Cluster.SimpleBlock = append(c.Cluster.SimpleBlock, ebml.Block{TrackNumber: number, Timecode: int16(at),
			Keyframe: s.Sync, Data: [][]byte{s.Data}})
		return nil
	}
	for _, v := range video {
		for len(audio) > 0 && audio[0].PTS < v.DTS {
			if err := add(audioNumber, audio[0]); err != nil {
				return err
			}
			audio = audio[1:]
		}
		if err := add(videoNumber, v); err != nil {
			return err
		}
	}
	for _, a := range audio {
		if err := add(audioNumber, a); err != nil {
			return err
		}
	}
	return ebml.Marshal(&c, w)
}

// headerSize is the size of what WriteMatroska writes before the first cluster.
func headerSize(video, audio Track) int64 {
	var b bytes.Buffer
	if err := WriteHeader(&b, video, audio); err != nil {
		return 0 // Not reached: a buffer does not fail, and the structure is ours.
	}
	return int64(b.Len())
}

// blockSize is the size of a SimpleBlock: its ID, its size, a track number, a timecode and flags, and the frame.
func blockSize(frame int) int64 {
	content := int64(frame) + 4
	return 1 + vintSize(content) + content
}

// vintSize is how many bytes the size of an element takes; the number with all bits set means that it is not known.
func vintSize(n int64) int64 {
	size := int64(1)
	for n >= 1<<(7*size)-1 {
		size++
	}
	return size
}

// stored is the size of a fragment as Matroska: the header with the codec private data, then a cluster with its header,
// its timecode and a SimpleBlock for each frame, the first one with its stamp.
func (f Fragment) stored() int64 {
	m := f.cut.media
	first := len(m.video.samples[f.cut.video[0]].Data)
	if f.stamped {
		first += stampSize(f.Producer, m.video.Track)
	}
	timecode := int64(1)
	for v := f.Producer.UnixMilli(); v > 0xff; v >>= 8 {
		timecode++
	}
	content := 1 + 1 + timecode + blockSize(first) + f.cut.blocks
	return m.header + 4 + vintSize(content) + content
}
