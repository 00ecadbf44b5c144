package emulator

import (
	"context"
	"sync"

	"clipfs/clip/emulator/wire"
)

// operation runs one API.
type operation func(ctx context.Context, c *call) (answer, error)

// reading gives the operation whose input is the body of its call.
func reading[Input any](run func(context.Context, *call, Input) (answer, error)) operation {
	return func(ctx context.Context, c *call) (answer, error) {
		var in Input
		if err := c.read(&in); err != nil {
			return nil, err
		}
		return run(ctx, c, in)
	}
}

// replying gives the operation whose input is the body of its call, and whose output is the body of its answer.
func replying[Input any](run func(*call, Input) (any, error)) operation {
	return reading(func(_ context.Context, c *call, in Input) (answer, error) {
		out, err := run(c, in)
		return jsonAnswer{value: out}, err
	})
}

// lacking gives what stands for an operation that the emulator does not have. It warns once.
func (s *Server) lacking(api wire.API) operation {
	warn := sync.OnceFunc(func() { s.log.Warn("the emulator has no such operation", "api", api) })
	return func(context.Context, *call) (answer, error) {
		warn()
		return nil, wire.Lacking(api)
	}
}

// controlOperations are what the control listener has.
func (s *Server) controlOperations() map[wire.API]operation {
	return map[wire.API]operation{
		wire.CreateStream:                         replying(s.createStream),
		wire.DeleteStream:                         replying(s.deleteStream),
		wire.DescribeImageGenerationConfiguration: replying(s.describeGeneration),
		wire.DescribeNotificationConfiguration:    replying(s.describeNotification),
		wire.DescribeStream:                       replying(s.describeStream),
		wire.DescribeStreamStorageConfiguration:   replying(s.describeStorage),
		wire.GetDataEndpoint:                      replying(s.getDataEndpoint),
		wire.ListStreams:                          replying(s.listStreams),
		wire.ListTagsForStream:                    replying(s.listTags),
		wire.TagStream:                            replying(s.tagStream),
		wire.UntagStream:                          replying(s.untagStream),
		wire.UpdateDataRetention:                  replying(s.updateRetention),
		wire.UpdateImageGenerationConfiguration:   replying(s.updateGeneration),
		wire.UpdateNotificationConfiguration:      replying(s.updateNotification),
		wire.UpdateStream:                         replying(s.updateStream),
		wire.UpdateStreamStorageConfiguration:     replying(s.updateStorage),
	}
}

// dataOperations are what the data listener has, besides PutMedia.
func (s *Server) dataOperations() map[wire.API]operation {
	return map[wire.API]operation{
		wire.GetClip:                    reading(s.getClip),
		wire.GetDASHStreamingSessionURL: replying(s.getDASHSession),
		wire.GetHLSStreamingSessionURL:  replying(s.getHLSSession),
		wire.GetImages:                  reading(s.getImages),
		wire.GetMedia:                   reading(s.getMedia),
		wire.GetMediaForFragmentList:    reading(s.getListedMedia),
		wire.ListFragments:              replying(s.listFragments),
	}
}
