package emulator

import (
	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/wire"
)

const (
	// defaultStreamPage is how many streams a page has if MaxResults is not given: what the service gives, whatever
	// its reference says (it says 10,000).
	defaultStreamPage = 10
	// maxStreamPage is the highest MaxResults (API reference, ListStreams).
	maxStreamPage = 10_000
)

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
	if err := s.account.Call(wire.ListStreams, c.now); err != nil {
		return nil, err
	}
	size := defaultStreamPage
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if size < 1 || size > maxStreamPage {
		return nil, wire.Invalid("MaxResults %d: want 1 to %d.", size, maxStreamPage)
	}
	var prefix wire.StreamName
	if cond := in.StreamNameCondition; cond != nil {
		if cond.ComparisonOperator != "BEGINS_WITH" {
			return nil, wire.Invalid("ComparisonOperator '%.100s': want BEGINS_WITH.", cond.ComparisonOperator)
		}
		if !cond.ComparisonValue.Valid() {
			return nil, wire.InvalidName(cond.ComparisonValue)
		}
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
		out.StreamInfoList = append(out.StreamInfoList, infoOf(st))
	}
	if out.NextToken == "" && c.has(fault.Endless) {
		out.NextToken = s.tokens.Seal(query, "")
	}
	return out, nil
}
