package emulator

import (
	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/wire"
)

// defaultStreamPage is how many streams a page has if MaxResults is not given: what the service gives, whatever its
// reference says (it says 10,000).
const defaultStreamPage = 10

// listStreamsInput is the input of ListStreams.
type listStreamsInput struct {
	MaxResults          *int
	NextToken           string
	StreamNameCondition *struct {
		ComparisonOperator string
		ComparisonValue    wire.StreamName
	}
}

// listStreams tells of all streams, page by page.
func (s *Server) listStreams(c *call, in listStreamsInput) (any, error) {
	if !s.account.Take(wire.ListStreams, c.now) {
		return nil, wire.Throttled(wire.ListStreams, c.owner.Account)
	}
	size := defaultStreamPage
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	var prefix wire.StreamName
	if cond := in.StreamNameCondition; cond != nil {
		prefix = cond.ComparisonValue
	}
	query := "ListStreams " + string(prefix)
	var after string
	if in.NextToken != "" {
		var err error
		if after, err = s.tokens.Open(query, in.NextToken); err != nil {
			return nil, err
		}
	}
	return s.streamPage(c, query, string(prefix), wire.StreamName(after), size)
}

// streamPage gives the page of streams after a name.
func (s *Server) streamPage(c *call, query, prefix string, after wire.StreamName, size int) (any, error) {
	out := struct {
		StreamInfoList []streamInfo
		NextToken      string `json:",omitempty"`
	}{StreamInfoList: []streamInfo{}}
	for _, st := range s.streams.List(prefix, after) {
		if len(out.StreamInfoList) == size {
			last := out.StreamInfoList[size-1].StreamName
			out.NextToken = s.tokens.Seal(query, string(last))
			break
		}
		out.StreamInfoList = append(out.StreamInfoList, infoOf(st, c))
	}
	if out.NextToken == "" && c.has(fault.Endless) {
		out.NextToken = s.tokens.Seal(query, "")
	}
	return out, nil
}
