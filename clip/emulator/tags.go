package emulator

import (
	"context"
	"maps"
)

// Limits of tags (API reference, TagStream).
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// tagStream adds tags, or gives those that are there another value.
func (s *Server) tagStream(_ context.Context, c *call) (answer, error) {
	var in struct {
		streamRef
		Tags map[string]string
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, invalid("Tags are required.")
	}
	return s.changeTags(c, TagStream, in.streamRef, func(tags map[string]string) (map[string]string, error) {
		return mergeTags(tags, in.Tags)
	})
}

// untagStream removes tags; one that is not there is no error.
func (s *Server) untagStream(_ context.Context, c *call) (answer, error) {
	var in struct {
		streamRef
		TagKeyList []string
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if len(in.TagKeyList) == 0 || len(in.TagKeyList) > maxTags {
		return nil, invalid("TagKeyList: want 1 to %d keys.", maxTags)
	}
	return s.changeTags(c, UntagStream, in.streamRef, func(tags map[string]string) (map[string]string, error) {
		tags = maps.Clone(tags)
		for _, k := range in.TagKeyList {
			delete(tags, k)
		}
		return tags, nil
	})
}

// changeTags replaces a stream's tags by what f makes of them. f changes nothing in place: copies share the map.
func (s *Server) changeTags(c *call, api API, ref streamRef, f func(map[string]string) (map[string]string, error)) (answer, error) {
	found, err := s.findControl(c, api, ref)
	if err != nil {
		return nil, err
	}
	err = s.streams.change(found, func(st *stream) error {
		tags, err := f(st.tags)
		st.tags = tags
		return err
	})
	if err != nil {
		return nil, err
	}
	return reply(struct{}{})
}

// listTags tells a stream's tags, all of them at once: there are 50 at most.
func (s *Server) listTags(_ context.Context, c *call) (answer, error) {
	var in streamRef
	if err := c.read(&in); err != nil {
		return nil, err
	}
	st, err := s.findControl(c, ListTagsForStream, in)
	if err != nil {
		return nil, err
	}
	tags := st.tags
	if tags == nil {
		tags = map[string]string{}
	}
	return reply(struct{ Tags map[string]string }{tags})
}
