package emulator

import (
	"maps"

	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

// tagInput is the input of TagStream.
type tagInput struct {
	wire.StreamRef
	Tags map[string]string
}

// tagStream adds tags, or gives those that are there another value.
func (s *Server) tagStream(c *call, in tagInput) (any, error) {
	return s.changeTags(c, wire.TagStream, in.StreamRef, func(tags map[string]string) (map[string]string, error) {
		return streams.MergeTags(tags, in.Tags)
	})
}

// untagInput is the input of UntagStream.
type untagInput struct {
	wire.StreamRef
	TagKeyList []string
}

// untagStream removes tags; one that is not there is no error.
func (s *Server) untagStream(c *call, in untagInput) (any, error) {
	return s.changeTags(c, wire.UntagStream, in.StreamRef, func(tags map[string]string) (map[string]string, error) {
		tags = maps.Clone(tags)
		for _, k := range in.TagKeyList {
			delete(tags, k)
		}
		return tags, nil
	})
}

// changeTags replaces a stream's tags by what f makes of them. f changes nothing in place: copies share the map.
func (s *Server) changeTags(c *call, api wire.API, ref wire.StreamRef, f func(map[string]string) (map[string]string, error)) (any, error) {
	return s.change(c, api, ref, func(st *streams.Stream) error {
		tags, err := f(st.Tags)
		st.Tags = tags
		return err
	})
}

// listTags tells a stream's tags, all of them at once: there are 50 at most.
func (s *Server) listTags(c *call, in wire.StreamRef) (any, error) {
	st, err := s.findControl(c, wire.ListTagsForStream, in)
	if err != nil {
		return nil, err
	}
	tags := st.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return struct{ Tags map[string]string }{tags}, nil
}
