package footage

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// kept says where the media of a fragment is until it is needed.
type kept struct{ open func() ([]byte, error) }

// NewStored makes a fragment of what Clusters wrote: length and the size of the data are known, and open gives the data
// when Load asks for it, each time anew. The data is not looked at before: the service takes any media and only
// complains when a clip is to be made of it.
func NewStored(number string, producer, server time.Time, length time.Duration, size int64, open func() ([]byte, error)) Fragment {
	return Fragment{Number: number, Producer: producer.UTC(), Server: server.UTC(), Length: length, Size: size,
		kept: &kept{open: open}}
}

// Load gives the fragment with its media in memory. Without it a fragment of NewStored has no tracks; any other is given
// back as it is. Errors are those of open, and ErrInvalidMedia, ErrUnsupportedMedia or ErrNoCodecPrivateData for the
// media.
func (f Fragment) Load() (Fragment, error) {
	if f.kept == nil {
		return f, nil
	}
	data, err := f.kept.open()
	if err != nil {
		return Fragment{}, fmt.Errorf("fragment %s: %w", f.Number, err)
	}
	r := &matroskaReader{data: data, scale: 1_000_000}
	if err := r.segments(); err != nil {
		return Fragment{}, fmt.Errorf("fragment %s: %w", f.Number, err)
	}
	if r.videoNumber == 0 {
		return Fragment{}, fmt.Errorf("fragment %s: %w: no H.264 or H.265 video", f.Number, ErrUnsupportedMedia)
	}
	last := r.lastDuration()
	for _, samples := range [][]Sample{r.video.samples, r.audio.samples} {
		for i := range samples {
			samples[i].PTS = (samples[i].PTS - r.base).Round(time.Millisecond)
		}
	}
	var audio *Track
	if r.audioNumber != 0 {
		audio = &r.audio.Track
	}
	loaded, err := NewFragment(f.Number, f.Producer, f.Server, r.video.Track, r.video.samples, audio, r.audio.samples, last)
	if err != nil {
		return Fragment{}, err
	}
	loaded.Length, loaded.Size = f.Length, f.Size
	return loaded, nil
}

// Parts is a fragment as Matroska.
type Parts struct {
	// Header is EBML, the header of a segment without a size, Info and Tracks; Cluster is one cluster; Tags are the Tags elements
	// of its producer.
	Header, Cluster, Tags []byte
}

// Parts gives the fragment as it was sent, whatever media it has, or as a producer would send it. Errors are those of open, and
// ErrInvalidMedia where what is kept has no cluster.
func (f Fragment) Parts() (Parts, error) {
	if f.kept == nil {
		return f.written()
	}
	data, err := f.kept.open()
	if err != nil {
		return Parts{}, fmt.Errorf("fragment %s: %w", f.Number, err)
	}
	for off := 0; off < len(data); {
		e, err := nextElement(data, off, len(data))
		switch {
		case err != nil:
			return Parts{}, fmt.Errorf("fragment %s: %w", f.Number, err)
		case e.id == idSegment:
			off = e.start
		case e.id == idCluster:
			return Parts{Header: data[:off:off], Cluster: data[off:e.end:e.end], Tags: data[e.end:]}, nil
		default:
			off = e.end
		}
	}
	return Parts{}, fmt.Errorf("fragment %s: %w: no cluster", f.Number, ErrInvalidMedia)
}

// written gives the fragment as WriteMatroska writes it.
func (f Fragment) written() (Parts, error) {
	if f.cut == nil {
		return Parts{}, fmt.Errorf("fragment %s: %w: no media", f.Number, ErrInvalidMedia)
	}
	audio, _ := f.AudioTrack()
	var header, cluster bytes.Buffer
	err := errors.Join(WriteHeader(&header, f.VideoTrack(), audio), WriteCluster(&cluster, f.Producer.UnixMilli(), f.Video(), f.Audio()))
	return Parts{Header: header.Bytes(), Cluster: cluster.Bytes()}, err
}
