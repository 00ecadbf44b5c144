package streams

import (
	"encoding/json"
	"fmt"
	"time"

	"clipfs/clip/emulator/store"
	"clipfs/clip/emulator/wire"
)

// record is what the store keeps of a stream besides its fragments.
type record struct {
	Name           wire.StreamName   `json:"name"`
	Created        int64             `json:"created"` // milliseconds since 1970
	DeviceName     string            `json:"deviceName,omitempty"`
	MediaType      string            `json:"mediaType,omitempty"`
	KMSKeyID       string            `json:"kmsKeyId,omitempty"`
	Version        string            `json:"version"`
	RetentionHours int               `json:"retentionHours"`
	Tags           map[string]string `json:"tags,omitempty"`
	Tier           string            `json:"tier,omitempty"`
	Images         json.RawMessage   `json:"images,omitempty"`
	Notifications  json.RawMessage   `json:"notifications,omitempty"`
	// Given says that the stream was there from the start, and not made by CreateStream.
	Given bool `json:"given,omitempty"`
}

// record gives what is kept of the stream.
func (s Stream) record() []byte {
	b, err := json.Marshal(record{Name: s.Name, Created: s.Created.UnixMilli(), DeviceName: s.DeviceName, MediaType: s.MediaType,
		KMSKeyID: s.KMSKey, Version: s.Version, RetentionHours: int(s.Retention / time.Hour), Tags: s.Tags, Given: s.given,
		Tier: s.Tier, Images: s.Images, Notifications: s.Notifications})
	if err != nil {
		return nil // Not reached: strings and numbers, and JSON that was checked.
	}
	return b
}

// writtenKey stands in older records of streams that have the default key.
const writtenKey = "arn:aws:kms:us-east-1:000000000000:alias/aws/kinesisvideo"

// restore makes the stream that was kept.
func restore(kept *store.Stream) (Stream, error) {
	var r record
	if err := json.Unmarshal(kept.Record(), &r); err != nil {
		return Stream{}, fmt.Errorf("kept stream: %w", err)
	}
	if !r.Name.Valid() || r.RetentionHours < 0 || r.RetentionHours > MaxRetentionHours {
		return Stream{}, fmt.Errorf("kept stream %.300q: %d hours", r.Name, r.RetentionHours)
	}
	if r.KMSKeyID == writtenKey {
		r.KMSKeyID = ""
	}
	return Stream{Name: r.Name, Created: time.UnixMilli(r.Created).UTC(),
		KMSKey: r.KMSKeyID, DeviceName: r.DeviceName, MediaType: r.MediaType, Version: r.Version,
		Retention: time.Duration(r.RetentionHours) * time.Hour, Tags: r.Tags, given: r.Given, Pushed: kept,
		Tier: r.Tier, Images: r.Images, Notifications: r.Notifications}, nil
}
