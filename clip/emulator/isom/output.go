package isom

import (
	"errors"
	"io"
	"time"
)

var (
	// ErrPlan says that tracks, samples and chunks do not fit together or do not fit the format.
	ErrPlan = errors.New("movie cannot be written")
	// ErrTooBig says that a moov would be longer than maxMoov.
	ErrTooBig = errors.New("MP4 header too big")
)

// Output is what a Writer makes a file of. The slices in it are kept, not copied, and must not change while the Writer is in
// use.
type Output struct {
	// Created is written as creation and modification time of the movie, its tracks and their media.
	Created time.Time
	// Timescale of the movie header, in ticks a second; 0 means 1000.
	Timescale uint32
	// MoovLast puts moov behind mdat; as a rule it stands before.
	MoovLast bool
	// Tracks in order; the first has track ID 1.
	Tracks []OutputTrack
	// Chunks in the order in which they lie in mdat. Those of one track take its samples in order and use them up.
	Chunks []OutputChunk
}

// OutputTrack is a track to be written.
type OutputTrack struct {
	// Handler is Video or Sound; Name is for people.
	Handler, Name string
	// Language in three letters of ISO 639-2/T; empty means "und".
	Language string
	// Timescale of the samples in ticks a second.
	Timescale uint32
	// Width and Height as shown, in pixels; 0 for sound.
	Width, Height uint16
	// Entries are whole sample entries (NewAVCEntry and its like); at least one.
	Entries [][]byte
	// Edits is the edit list; without one the media is played from DTS 0 on.
	Edits []Edit
	// Samples in decoding order.
	Samples []SampleRun
}

// SampleRun is a number of samples in a row that are alike.
type SampleRun struct {
	Count uint32
	// Duration is the distance to the next sample's DTS, Offset PTS minus DTS, in the track's timescale.
	Duration uint32
	Offset   int32
	// Size of each sample in bytes.
	Size uint32
	// Sync says that decoding can begin at each of them.
	Sync bool
}

// OutputChunk is a number of samples of one track that lie together.
type OutputChunk struct {
	// Track is an index of Output.Tracks, Entry one of the track's Entries.
	Track, Entry int
	// Samples is how many samples of the track the chunk has; at least one.
	Samples uint32
	// Data holds the samples; its size is the sum of theirs.
	Data Data
}

// Data is where the bytes of a chunk come from. WriteTo gives exactly Size bytes and may be called again.
type Data interface {
	Size() int64
	io.WriterTo
}

// Slices is Data in memory, in order.
type Slices [][]byte

// Size is how many bytes there are.
func (s Slices) Size() int64 {
	var n int64
	for _, p := range s {
		n += int64(len(p))
	}
	return n
}

// WriteTo writes all slices.
func (s Slices) WriteTo(w io.Writer) (int64, error) {
	var n int64
	for _, p := range s {
		k, err := w.Write(p)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

var _ Data = Slices(nil)
