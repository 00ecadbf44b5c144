package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/store"
)

// record is what the store keeps of a stream besides its fragments.
type record struct {
	Name           StreamName        `json:"name"`
	Created        int64             `json:"created"` // milliseconds since 1970
	DeviceName     string            `json:"deviceName,omitempty"`
	MediaType      string            `json:"mediaType,omitempty"`
	KMSKeyID       string            `json:"kmsKeyId"`
	Version        string            `json:"version"`
	RetentionHours int               `json:"retentionHours"`
	Tags           map[string]string `json:"tags,omitempty"`
	// Given says that the stream is one of Options.Streams, not of CreateStream.
	Given bool `json:"given,omitempty"`
}

// record gives what is kept of the stream.
func (s stream) record() []byte {
	b, err := json.Marshal(record{Name: s.name, Created: s.created.UnixMilli(), DeviceName: s.device, MediaType: s.mediaType,
		KMSKeyID: s.kmsKey, Version: s.version, RetentionHours: int(s.retention / time.Hour), Tags: s.tags, Given: s.given})
	if err != nil {
		return nil // Not reached: strings and numbers only.
	}
	return b
}

// restore makes the stream that was kept.
func restore(kept *store.Stream, noQuota bool) (stream, error) {
	var r record
	if err := json.Unmarshal(kept.Record(), &r); err != nil {
		return stream{}, fmt.Errorf("kept stream: %w", err)
	}
	if !r.Name.Valid() || r.RetentionHours < 0 || r.RetentionHours > maxRetentionHours {
		return stream{}, fmt.Errorf("kept stream %.300q: %d hours", r.Name, r.RetentionHours)
	}
	return stream{name: r.Name, created: time.UnixMilli(r.Created).UTC(), source: footage.NewSource(), quota: newStreamQuota(noQuota),
		kmsKey: r.KMSKeyID, device: r.DeviceName, mediaType: r.MediaType, version: r.Version,
		retention: time.Duration(r.RetentionHours) * time.Hour, tags: r.Tags, given: r.Given, pushed: kept}, nil
}

const (
	// expireEvery is how often fragments are removed that are older than their stream's retention, expireAfter how much
	// older, so that none goes that an answer on its way still has to read.
	expireEvery = time.Minute
	expireAfter = time.Minute
)

// expire removes what is no longer retained, until ctx ends.
func (s *Server) expire(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		s.expireNow(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// expireNow removes what is no longer retained at a time.
func (s *Server) expireNow(now time.Time) {
	for _, st := range s.streams.list("", "") {
		if err := st.pushed.Expire(now.Add(-st.retention - expireAfter)); err != nil {
			s.log.Warn("old fragments not removed", "stream", st.name, "err", err)
		}
	}
}

// forgetGiven removes a stream that was given to an earlier server, not to this one, and that nobody pushed anything
// into.
func forgetGiven(st stream) (bool, error) {
	if !st.given || st.pushed.Len() > 0 {
		return false, nil
	}
	if err := st.pushed.Remove(); err != nil && !errors.Is(err, store.ErrRemoved) {
		return false, err
	}
	return true, nil
}
