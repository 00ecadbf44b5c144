package emulator

import (
	"cmp"
	"encoding/json"

	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

// storageConfiguration is a StreamStorageConfiguration on the wire.
type storageConfiguration struct{ DefaultStorageTier string }

// describeStorage tells the storage tier of a stream.
func (s *Server) describeStorage(c *call, in wire.StreamRef) (any, error) {
	st, err := s.findControl(c, wire.DescribeStreamStorageConfiguration, in)
	if err != nil {
		return nil, err
	}
	return struct {
		wire.StreamRef
		StreamStorageConfiguration storageConfiguration
	}{wire.StreamRef{StreamName: st.Name, StreamARN: st.ARN(c.owner)}, storageConfiguration{cmp.Or(st.Tier, "HOT")}}, nil
}

// storageInput is the input of UpdateStreamStorageConfiguration.
type storageInput struct {
	wire.StreamRef
	CurrentVersion             string
	StreamStorageConfiguration storageConfiguration
}

// updateStorage changes the storage tier of a stream.
func (s *Server) updateStorage(c *call, in storageInput) (any, error) {
	return s.change(c, wire.UpdateStreamStorageConfiguration, in.StreamRef, func(st *streams.Stream) error {
		st.Tier = in.StreamStorageConfiguration.DefaultStorageTier
		return st.Renew(in.CurrentVersion)
	})
}

// describeGeneration gives the image generation configuration of a stream, if it has one.
func (s *Server) describeGeneration(c *call, in wire.StreamRef) (any, error) {
	st, err := s.findControl(c, wire.DescribeImageGenerationConfiguration, in)
	return struct {
		ImageGenerationConfiguration json.RawMessage `json:",omitempty"`
	}{st.Images}, err
}

// generationInput is the input of UpdateImageGenerationConfiguration.
type generationInput struct {
	wire.StreamRef
	ImageGenerationConfiguration json.RawMessage
}

// updateGeneration sets the image generation configuration of a stream, or deletes it where none is given.
func (s *Server) updateGeneration(c *call, in generationInput) (any, error) {
	var config struct {
		SamplingInterval *int64
		FormatConfig     map[string]string
	}
	if in.ImageGenerationConfiguration != nil {
		if err := json.Unmarshal(in.ImageGenerationConfiguration, &config); err != nil {
			return nil, err
		}
		if err := checkSampling(*config.SamplingInterval); err != nil {
			return nil, err
		}
	}
	if _, err := readQuality(config.FormatConfig); err != nil {
		return nil, err
	}
	return s.configure(c, wire.UpdateImageGenerationConfiguration, in.StreamRef, func(st *streams.Stream) { st.Images = in.ImageGenerationConfiguration })
}

// describeNotification gives the notification configuration of a stream, if it has one.
func (s *Server) describeNotification(c *call, in wire.StreamRef) (any, error) {
	st, err := s.findControl(c, wire.DescribeNotificationConfiguration, in)
	return struct {
		NotificationConfiguration json.RawMessage `json:",omitempty"`
	}{st.Notifications}, err
}

// notificationInput is the input of UpdateNotificationConfiguration.
type notificationInput struct {
	wire.StreamRef
	NotificationConfiguration json.RawMessage
}

// updateNotification sets the notification configuration of a stream, or deletes it where none is given.
func (s *Server) updateNotification(c *call, in notificationInput) (any, error) {
	return s.configure(c, wire.UpdateNotificationConfiguration, in.StreamRef, func(st *streams.Stream) { st.Notifications = in.NotificationConfiguration })
}

// configure changes what is configured of a stream that keeps footage.
func (s *Server) configure(c *call, api wire.API, ref wire.StreamRef, set func(*streams.Stream)) (any, error) {
	return s.change(c, api, ref, func(st *streams.Stream) error {
		if st.Retention == 0 {
			return wire.NoRetention()
		}
		set(st)
		return nil
	})
}
