package emulator

import "context"

// getDataEndpoint tells where the data operations of a stream are: always the data listener, for all of them.
func (s *Server) getDataEndpoint(_ context.Context, c *call) (answer, error) {
	var in struct {
		streamRef
		APIName string
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	switch in.APIName {
	case "PUT_MEDIA", "GET_MEDIA", "LIST_FRAGMENTS", "GET_MEDIA_FOR_FRAGMENT_LIST", "GET_HLS_STREAMING_SESSION_URL",
		"GET_DASH_STREAMING_SESSION_URL", "GET_CLIP", "GET_IMAGES":
	default:
		return nil, invalid("Value '%.100s' at 'aPIName' is not the name of a data operation.", in.APIName)
	}
	if _, err := s.findControl(c, GetDataEndpoint, in.streamRef); err != nil {
		return nil, err
	}
	return reply(struct{ DataEndpoint string }{s.dataEndpoint(c.r.Host)})
}
