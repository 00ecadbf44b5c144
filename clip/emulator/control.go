package emulator

import (
	"cmp"
	"slices"
	"time"

	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

// streamInfo is what is told of a stream (API reference, StreamInfo).
type streamInfo struct {
	DeviceName           string `json:",omitempty"`
	StreamName           wire.StreamName
	StreamARN            string
	MediaType            string `json:",omitempty"`
	KMSKeyID             string `json:"KmsKeyId"`
	Version              string
	Status               streams.Status
	CreationTime         wire.Timestamp
	DataRetentionInHours int
}

// infoOf gives what is told of a stream.
func infoOf(s streams.Stream, c *call) streamInfo {
	return streamInfo{
		DeviceName:           s.DeviceName,
		StreamName:           s.Name,
		StreamARN:            s.ARN(c.owner),
		MediaType:            s.MediaType,
		KMSKeyID:             cmp.Or(s.KMSKey, c.owner.DefaultKey()),
		Version:              s.Version,
		Status:               s.Status(c.now),
		CreationTime:         wire.Timestamp{Time: s.Created},
		DataRetentionInHours: int(s.Retention / time.Hour),
	}
}

// createInput is the input of CreateStream.
type createInput struct {
	StreamName            wire.StreamName
	DeviceName, MediaType string
	KMSKeyID              string `json:"KmsKeyId"`
	DataRetentionInHours  int
	Tags                  map[string]string

	StreamStorageConfiguration storageConfiguration
}

// createStream makes a stream that has recorded nothing.
func (s *Server) createStream(c *call, in createInput) (any, error) {
	if !s.account.Take(wire.CreateStream, c.now) {
		return nil, wire.Throttled(wire.CreateStream, c.owner.Account)
	}
	if in.DataRetentionInHours > streams.MaxRetentionHours {
		return nil, invalidRetention(in.DataRetentionInHours)
	}
	tags, err := streams.MergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	st, err := s.streams.Create(streams.Stream{Name: in.StreamName, Created: c.now.UTC().Truncate(time.Millisecond), KMSKey: in.KMSKeyID,
		DeviceName: in.DeviceName, MediaType: in.MediaType, Retention: time.Duration(in.DataRetentionInHours) * time.Hour, Tags: tags,
		Tier: in.StreamStorageConfiguration.DefaultStorageTier})
	if err != nil {
		return nil, err
	}
	c.stream = st.Name
	return struct{ StreamARN string }{st.ARN(c.owner)}, nil
}

// deleteInput is the input of DeleteStream.
type deleteInput struct{ StreamARN, CurrentVersion string }

// deleteStream removes a stream. It takes an ARN only.
func (s *Server) deleteStream(c *call, in deleteInput) (any, error) {
	st, err := s.findControl(c, wire.DeleteStream, wire.StreamRef{StreamARN: in.StreamARN})
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.streams.Remove(st, in.CurrentVersion)
}

// describeStream tells of one stream.
func (s *Server) describeStream(c *call, in wire.StreamRef) (any, error) {
	if err := in.NotBoth(); err != nil {
		return nil, err
	}
	st, err := s.findControl(c, wire.DescribeStream, in)
	if err != nil {
		return nil, err
	}
	return struct{ StreamInfo streamInfo }{infoOf(st, c)}, nil
}

// updateInput is the input of UpdateStream.
type updateInput struct {
	wire.StreamRef
	CurrentVersion        string
	DeviceName, MediaType *string
}

// updateStream changes a stream's device name and media type.
func (s *Server) updateStream(c *call, in updateInput) (any, error) {
	return s.change(c, wire.UpdateStream, in.StreamRef, func(st *streams.Stream) error {
		if in.DeviceName != nil {
			st.DeviceName = *in.DeviceName
		}
		if in.MediaType != nil {
			st.MediaType = *in.MediaType
		}
		return st.Renew(in.CurrentVersion)
	})
}

// endpointInput is the input of GetDataEndpoint.
type endpointInput struct {
	wire.StreamRef
	APIName string
}

// getDataEndpoint tells where the data operations of a stream are: always the data listener, for all that the emulator has.
func (s *Server) getDataEndpoint(c *call, in endpointInput) (any, error) {
	for _, o := range s.model {
		if o.APIName == in.APIName && !slices.Contains(wire.DataAPIs(), o.API) {
			return nil, wire.Lacking(o.API)
		}
	}
	if _, err := s.findControl(c, wire.GetDataEndpoint, in.StreamRef); err != nil {
		return nil, err
	}
	return struct{ DataEndpoint string }{s.dataEndpoint(c.r.Host)}, nil
}

// retentionInput is the input of UpdateRetention.
type retentionInput struct {
	wire.StreamRef
	CurrentVersion, Operation  string
	DataRetentionChangeInHours int
}

// updateRetention makes a stream keep its footage for longer, or for less long. The hours are added to or taken from
// what it has; an older reference says that they replace it.
func (s *Server) updateRetention(c *call, in retentionInput) (any, error) {
	change := in.DataRetentionChangeInHours
	if change > streams.MaxRetentionHours {
		return nil, invalidRetention(change)
	}
	if in.Operation == "DECREASE_DATA_RETENTION" {
		change = -change
	}
	return s.change(c, wire.UpdateDataRetention, in.StreamRef, func(st *streams.Stream) error {
		hours := int(st.Retention/time.Hour) + change
		if hours < 0 || hours > streams.MaxRetentionHours {
			return invalidRetention(hours)
		}
		st.Retention = time.Duration(hours) * time.Hour
		return st.Renew(in.CurrentVersion)
	})
}

// invalidRetention refuses a number of hours.
func invalidRetention(hours int) error {
	return wire.Invalid("The data retention of %d hours is not between 0 and %d.", hours, streams.MaxRetentionHours)
}
