package mp4

import "time"

// Output is what a Writer makes a file of. The slices in it are kept, not copied, and must not change while the
// Writer is in use.
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
	// Handler says what the samples are: HandlerVideo or HandlerSound.
	Handler FourCC
	// Name of the handler, for people.
	Name string
	// Language in three letters of ISO 639-2/T; empty means "und".
	Language string
	// Timescale of the samples in ticks a second.
	Timescale uint32
	// Width and Height as shown, in pixels; 0 for sound.
	Width, Height uint16
	// Entries are whole sample entries (NewAVCEntry and its like); at least one.
	Entries [][]byte
	// Edits is the edit list; without one the media is played from DTS 0 on. Durations are in the movie's timescale.
	Edits []Edit
	// Samples in decoding order.
	Samples []SampleRun
}

// SampleRun is a number of samples in a row that are alike.
type SampleRun struct {
	Count uint32
	// Duration is the distance to the next sample's DTS, in the track's timescale.
	Duration uint32
	// Offset is PTS minus DTS in the track's timescale.
	Offset int32
	// Size of each sample in bytes.
	Size uint32
	// Sync says that decoding can begin at each of them.
	Sync bool
}

// OutputChunk is a number of samples of one track that lie together.
type OutputChunk struct {
	// Track is an index of Output.Tracks.
	Track int
	// Samples is how many samples of the track the chunk has; at least one.
	Samples uint32
	// Entry is an index of the track's Entries.
	Entry int
	// Data holds the samples; its size is the sum of theirs.
	Data Data
}
