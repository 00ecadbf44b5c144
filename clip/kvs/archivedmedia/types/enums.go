package types

// ClipFragmentSelectorType is the clock by which GetClip selects fragments (API reference, ClipFragmentSelector).
type ClipFragmentSelectorType string

// Enum values for ClipFragmentSelectorType.
const (
	ClipFragmentSelectorTypeProducerTimestamp ClipFragmentSelectorType = "PRODUCER_TIMESTAMP"
	ClipFragmentSelectorTypeServerTimestamp   ClipFragmentSelectorType = "SERVER_TIMESTAMP"
)

// Values gives every known value of ClipFragmentSelectorType.
func (ClipFragmentSelectorType) Values() []ClipFragmentSelectorType {
	return []ClipFragmentSelectorType{
		ClipFragmentSelectorTypeProducerTimestamp,
		ClipFragmentSelectorTypeServerTimestamp,
	}
}

// FragmentSelectorType is the clock by which ListFragments selects fragments (API reference, FragmentSelector).
type FragmentSelectorType string

// Enum values for FragmentSelectorType.
const (
	FragmentSelectorTypeProducerTimestamp FragmentSelectorType = "PRODUCER_TIMESTAMP"
	FragmentSelectorTypeServerTimestamp   FragmentSelectorType = "SERVER_TIMESTAMP"
)

// Values gives every known value of FragmentSelectorType.
func (FragmentSelectorType) Values() []FragmentSelectorType {
	return []FragmentSelectorType{
		FragmentSelectorTypeProducerTimestamp,
		FragmentSelectorTypeServerTimestamp,
	}
}
