package streams

import (
	"crypto/rand"
	"fmt"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/store"
	"clipfs/clip/emulator/wire"
)

const (
	// MaxRetentionHours is ten years (API reference, UpdateDataRetention).
	MaxRetentionHours = 87_600
	// defaultKey is the key that streams are encrypted with if none was named (API reference, CreateStream, KmsKeyId).
	defaultKey = "arn:aws:kms:us-east-1:000000000000:alias/aws/kinesisvideo"
)

// Stream is one stream. Values of it are copied out of the table; the maps and pointers in them are not changed.
type Stream struct {
	Name wire.StreamName
	// Created is when it was made, to the millisecond: with its name it tells it from others.
	Created time.Time
	// Quota is shared by all its callers.
	Quota  *Quota
	source footage.Source

	// KMSKey, DeviceName, MediaType and Tags are as its maker chose; Version is another after each change.
	KMSKey, DeviceName, MediaType, Version string
	Tags                                   map[string]string
	// Retention is how long its footage is kept, in whole hours; 0 keeps none.
	Retention time.Duration
	// given says that it was there from the start.
	given bool
	// Pushed is what producers have sent, besides the footage of source. Fragment numbers of either are no other's.
	Pushed *store.Stream
}

// ARN is the stream's resource name.
func (s Stream) ARN() string {
	return fmt.Sprintf("%s%s/%d", wire.ARNPrefix, s.Name, s.Created.UnixMilli())
}

// newVersion makes the version that a stream has after a change: 26 letters and digits.
func newVersion() string { return rand.Text() }

// checkVersion refuses a change that was meant for another version.
func (s *Stream) checkVersion(version string) error {
	if version != s.Version {
		return wire.Refuse(wire.VersionMismatch, "The stream version %s is not the latest version.", version)
	}
	return nil
}

// Renew gives a changed stream its next version, if the change was meant for the one that it has.
func (s *Stream) Renew(current string) error {
	if err := s.checkVersion(current); err != nil {
		return err
	}
	s.Version = newVersion()
	return nil
}
