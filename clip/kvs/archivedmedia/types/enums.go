package types

// ClipFragmentSelectorType is the clock by which GetClip selects fragments (API reference, ClipFragmentSelector).
type ClipFragmentSelectorType string

// Enum values for ClipFragmentSelectorType.
const (
	ClipFragmentSelectorTypeProducerTimestamp ClipFragmentSelectorType = "PRODUCER_TIMESTAMP"
	ClipFragmentSelectorTypeServerTimestamp   ClipFragmentSelectorType = "SERVER_TIMESTAMP"
)

// FragmentSelectorType is the clock by which ListFragments selects fragments (API reference, FragmentSelector).
type FragmentSelectorType string

// Enum values for FragmentSelectorType.
const (
	FragmentSelectorTypeProducerTimestamp FragmentSelectorType = "PRODUCER_TIMESTAMP"
	FragmentSelectorTypeServerTimestamp   FragmentSelectorType = "SERVER_TIMESTAMP"
)
