package streams

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/store"
	"clipfs/clip/emulator/wire"
)

// MaxRetentionHours is ten years (API reference, UpdateDataRetention).
const MaxRetentionHours = 87_600

// Stream is one stream. Values of it are copied out of the table; the maps and pointers in them are not changed.
type Stream struct {
	Name wire.StreamName
	// Created is when it was made, to the millisecond: with its name it tells it from others.
	Created time.Time
	// Quota is shared by all its callers.
	Quota  *Quota
	source footage.Source

	// KMSKey, which is empty for the default, DeviceName, MediaType and Tags are as its maker chose; Version is another after
	// each change.
	KMSKey, DeviceName, MediaType, Version string
	Tags                                   map[string]string
	// Tier is the storage tier of its footage, which has no effect.
	Tier string
	// Images and Notifications are its configurations for images and notifications, as JSON; nil for none. They have no effect.
	Images, Notifications json.RawMessage
	// Retention is how long its footage is kept, in whole hours; 0 keeps none.
	Retention time.Duration
	// given says that it was there from the start.
	given bool
	// ready is when it is active, gone when one that was deleted is not told of any more.
	ready, gone time.Time
	// Pushed is what producers have sent, besides the footage of source. Fragment numbers of either are no other's.
	Pushed *store.Stream
}

// Status is what a stream's status is on the wire.
type Status string

// The statuses of streams here. The service has UPDATING, too.
const (
	Creating Status = "CREATING"
	Active   Status = "ACTIVE"
	Deleting Status = "DELETING"
)

// Status gives the stream's status at a time.
func (s Stream) Status(now time.Time) Status {
	switch {
	case !s.gone.IsZero():
		return Deleting
	case now.Before(s.ready):
		return Creating
	}
	return Active
}

// ARN is the stream's resource name.
func (s Stream) ARN(o wire.Owner) string { return o.StreamARN(s.Name, s.Created) }

// String tells the stream from others, of the same name too.
func (s Stream) String() string { return fmt.Sprintf("%s/%d", s.Name, s.Created.UnixMilli()) }

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
