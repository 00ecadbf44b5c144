package emulator

import (
	"context"
	"maps"
	"time"
	"unicode/utf8"
)

const (
	// maxDeviceName, maxMediaType and maxKey are the longest of their kind (API reference, CreateStream).
	maxDeviceName = 128
	maxMediaType  = 128
	maxKey        = 2048
)

// streamInfo is what is told of a stream (API reference, StreamInfo).
type streamInfo struct {
	DeviceName           string `json:",omitempty"`
	StreamName           StreamName
	StreamARN            string
	MediaType            string `json:",omitempty"`
	KMSKeyID             string `json:"KmsKeyId"`
	Version              string
	Status               string
	CreationTime         timestamp
	DataRetentionInHours int
}

// info gives what is told of the stream. Streams are active as soon as they were made.
func (s stream) info() streamInfo {
	return streamInfo{
		DeviceName:           s.device,
		StreamName:           s.name,
		StreamARN:            s.arn(),
		MediaType:            s.mediaType,
		KMSKeyID:             s.kmsKey,
		Version:              s.version,
		Status:               "ACTIVE",
		CreationTime:         timestamp{s.created},
		DataRetentionInHours: int(s.retention / time.Hour),
	}
}

// createStream makes a stream that has recorded nothing.
func (s *Server) createStream(_ context.Context, c *call) (answer, error) {
	var in struct {
		StreamName            StreamName
		DeviceName, MediaType string
		KMSKeyID              string `json:"KmsKeyId"`
		DataRetentionInHours  int
		Tags                  map[string]string
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if err := s.account.call(CreateStream, c.now); err != nil {
		return nil, err
	}
	switch {
	case !in.StreamName.Valid():
		return nil, invalidName(in.StreamName)
	case in.DataRetentionInHours < 0 || in.DataRetentionInHours > maxRetentionHours:
		return nil, invalidRetention(in.DataRetentionInHours)
	case utf8.RuneCountInString(in.DeviceName) > maxDeviceName, len(in.MediaType) > maxMediaType, len(in.KMSKeyID) > maxKey:
		return nil, invalid("DeviceName, MediaType or KmsKeyId is too long.")
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	if in.KMSKeyID == "" {
		in.KMSKeyID = defaultKey
	}
	st := stream{name: in.StreamName, created: c.now.UTC().Truncate(time.Millisecond),
		quota: newStreamQuota(s.options.NoQuota), kmsKey: in.KMSKeyID, device: in.DeviceName, mediaType: in.MediaType,
		version: newVersion(), retention: time.Duration(in.DataRetentionInHours) * time.Hour, tags: tags}
	if err := s.streams.add(st); err != nil {
		return nil, err
	}
	c.stream = st.name
	return reply(struct{ StreamARN string }{st.arn()})
}

// deleteStream removes a stream. It takes an ARN only.
func (s *Server) deleteStream(_ context.Context, c *call) (answer, error) {
	var in struct{ StreamARN, CurrentVersion string }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.StreamARN == "" {
		return nil, invalid("StreamARN is required.")
	}
	st, err := s.findControl(c, DeleteStream, streamRef{StreamARN: in.StreamARN})
	if err != nil {
		return nil, err
	}
	if err := s.streams.remove(st, in.CurrentVersion); err != nil {
		return nil, err
	}
	return reply(struct{}{})
}

// describeStream tells of one stream.
func (s *Server) describeStream(_ context.Context, c *call) (answer, error) {
	var in streamRef
	if err := c.read(&in); err != nil {
		return nil, err
	}
	st, err := s.findControl(c, DescribeStream, in)
	if err != nil {
		return nil, err
	}
	return reply(struct{ StreamInfo streamInfo }{st.info()})
}

// updateStream changes a stream's device name and media type.
func (s *Server) updateStream(_ context.Context, c *call) (answer, error) {
	var in struct {
		streamRef
		CurrentVersion        string
		DeviceName, MediaType *string
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	found, err := s.findControl(c, UpdateStream, in.streamRef)
	if err != nil {
		return nil, err
	}
	err = s.streams.change(found, func(st *stream) error {
		if in.DeviceName != nil {
			st.device = *in.DeviceName
		}
		if in.MediaType != nil {
			st.mediaType = *in.MediaType
		}
		if len(st.device) > maxDeviceName || len(st.mediaType) > maxMediaType {
			return invalid("DeviceName or MediaType is too long.")
		}
		return st.renew(in.CurrentVersion)
	})
	if err != nil {
		return nil, err
	}
	return reply(struct{}{})
}

// renew gives a changed stream its next version, if the change was meant for the one that it has.
func (s *stream) renew(current string) error {
	if err := s.checkVersion(current); err != nil {
		return err
	}
	s.version = newVersion()
	return nil
}

// mergeTags gives have with more put in. Neither is changed.
func mergeTags(have, more map[string]string) (map[string]string, error) {
	merged := make(map[string]string, len(have)+len(more))
	maps.Copy(merged, have)
	for k, v := range more {
		if k == "" || utf8.RuneCountInString(k) > maxTagKey || utf8.RuneCountInString(v) > maxTagValue {
			return nil, invalid("Tag '%.100s': want a key of 1 to %d characters and a value of at most %d.", k, maxTagKey, maxTagValue)
		}
		merged[k] = v
	}
	if len(merged) > maxTags {
		return nil, refuse(errTagLimit, "A stream can have at most %d tags.", maxTags)
	}
	return merged, nil
}
