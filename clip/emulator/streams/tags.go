package streams

import (
	"maps"
	"unicode/utf8"

	"clipfs/clip/emulator/wire"
)

// Limits of tags (API reference, TagStream).
const (
	MaxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// MergeTags gives have with more put in. Neither is changed.
func MergeTags(have, more map[string]string) (map[string]string, error) {
	merged := make(map[string]string, len(have)+len(more))
	maps.Copy(merged, have)
	for k, v := range more {
		if k == "" || utf8.RuneCountInString(k) > maxTagKey || utf8.RuneCountInString(v) > maxTagValue {
			return nil, wire.Invalid("Tag '%.100s': want a key of 1 to %d characters and a value of at most %d.", k, maxTagKey, maxTagValue)
		}
		merged[k] = v
	}
	if len(merged) > MaxTags {
		return nil, wire.Refuse(wire.TagLimit, "A stream can have at most %d tags.", MaxTags)
	}
	return merged, nil
}
