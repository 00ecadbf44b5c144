package streams

import (
	"maps"

	"clipfs/clip/emulator/wire"
)

// maxTags is how many tags a stream can have (API reference, TagStream).
const maxTags = 50

// MergeTags gives have with more put in, if these are not too many. Neither is changed.
func MergeTags(have, more map[string]string) (map[string]string, error) {
	merged := make(map[string]string, len(have)+len(more))
	maps.Copy(merged, have)
	maps.Copy(merged, more)
	if len(merged) > maxTags {
		return nil, wire.Refuse(wire.TagLimit, "A stream can have at most %d tags.", maxTags)
	}
	return merged, nil
}
