package emulator

import (
	"context"

	"clipfs/clip/emulator/fault"
)

const (
	// defaultStreamPage is how many streams a page has if MaxResults is not given: what the service gives, whatever
	// its reference says (it says 10,000).
	defaultStreamPage = 10
	// maxStreamPage is the highest MaxResults (API reference, ListStreams).
	maxStreamPage = 10_000
)

// listStreams tells of all streams, page by page.
func (s *Server) listStreams(_ context.Context, c *call) (answer, error) {
	var in struct {
		MaxResults          *int
		NextToken           string
		StreamNameCondition *struct {
			ComparisonOperator string
			ComparisonValue    StreamName
		}
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if err := s.account.call(ListStreams, c.now); err != nil {
		return nil, err
	}
	size := defaultStreamPage
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if size < 1 || size > maxStreamPage {
		return nil, invalid("MaxResults %d: want 1 to %d.", size, maxStreamPage)
	}
	var prefix StreamName
	if cond := in.StreamNameCondition; cond != nil {
		if cond.ComparisonOperator != "BEGINS_WITH" {
			return nil, invalid("ComparisonOperator '%.100s': want BEGINS_WITH.", cond.ComparisonOperator)
		}
		if !cond.ComparisonValue.Valid() {
			return nil, invalidName(cond.ComparisonValue)
		}
		prefix = cond.ComparisonValue
	}
	query := "ListStreams " + string(prefix)
	var after string
	if in.NextToken != "" {
		var err error
		if after, err = s.tokens.open(query, in.NextToken); err != nil {
			return nil, err
		}
	}
	return s.streamPage(c, query, string(prefix), StreamName(after), size)
}

// streamPage gives the page of streams after a name.
func (s *Server) streamPage(c *call, query, prefix string, after StreamName, size int) (answer, error) {
	out := struct {
		StreamInfoList []streamInfo
		NextToken      string `json:",omitempty"`
	}{StreamInfoList: []streamInfo{}}
	for _, st := range s.streams.list(prefix, after) {
		if len(out.StreamInfoList) == size {
			last := out.StreamInfoList[size-1].StreamName
			out.NextToken = s.tokens.seal(query, string(last))
			break
		}
		out.StreamInfoList = append(out.StreamInfoList, st.info())
	}
	if out.NextToken == "" && c.has(fault.Endless) {
		out.NextToken = s.tokens.seal(query, "")
	}
	return reply(out)
}
