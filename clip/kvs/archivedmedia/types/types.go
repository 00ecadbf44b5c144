package types

import "time"

// ClipFragmentSelector says which fragments GetClip takes: those whose start by one clock lies in a range (API
// reference, ClipFragmentSelector).
type ClipFragmentSelector struct {
	// FragmentSelectorType is required.
	FragmentSelectorType ClipFragmentSelectorType
	// TimestampRange is required.
	TimestampRange *ClipTimestampRange
}

// ClipTimestampRange is a range of time, both ends inclusive, of millisecond grain. The end has to be later than the
// start and at most 24 h after it (API reference, ClipTimestampRange).
type ClipTimestampRange struct {
	// StartTimestamp is required.
	StartTimestamp *time.Time
	// EndTimestamp is required.
	EndTimestamp *time.Time
}

// FragmentSelector says which fragments ListFragments lists (API reference, FragmentSelector).
type FragmentSelector struct {
	// FragmentSelectorType is required.
	FragmentSelectorType FragmentSelectorType
	// TimestampRange is required.
	TimestampRange *TimestampRange
}

// TimestampRange is a range of time, both ends inclusive, of millisecond grain (API reference, TimestampRange).
type TimestampRange struct {
	// StartTimestamp is required.
	StartTimestamp *time.Time
	// EndTimestamp is required.
	EndTimestamp *time.Time
}

// Fragment is what ListFragments says of one fragment (API reference, Fragment).
type Fragment struct {
	// FragmentLengthInMilliseconds leaves out the length of the last frame.
	FragmentLengthInMilliseconds int64
	// FragmentNumber is decimal digits that increase with ingestion.
	FragmentNumber *string
	// FragmentSizeInBytes is the size as stored.
	FragmentSizeInBytes int64
	// ProducerTimestamp is the start of the fragment by the producer's clock.
	ProducerTimestamp *time.Time
	// ServerTimestamp is the start of the fragment by the service's clock.
	ServerTimestamp *time.Time
}
