package emulator

import (
	"context"
	"time"
)

// updateRetention makes a stream keep its footage for longer, or for less long. The hours are added to or taken from
// what it has; an older reference says that they replace it.
func (s *Server) updateRetention(_ context.Context, c *call) (answer, error) {
	var in struct {
		streamRef
		CurrentVersion, Operation  string
		DataRetentionChangeInHours int
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	change := in.DataRetentionChangeInHours
	if change < 1 || change > maxRetentionHours {
		return nil, invalidRetention(change)
	}
	switch in.Operation {
	case "INCREASE_DATA_RETENTION":
	case "DECREASE_DATA_RETENTION":
		change = -change
	default:
		return nil, invalid("Operation '%.100s': want INCREASE_DATA_RETENTION or DECREASE_DATA_RETENTION.", in.Operation)
	}
	found, err := s.findControl(c, UpdateDataRetention, in.streamRef)
	if err != nil {
		return nil, err
	}
	err = s.streams.change(found, func(st *stream) error {
		hours := int(st.retention/time.Hour) + change
		if hours < 0 || hours > maxRetentionHours {
			return invalidRetention(hours)
		}
		st.retention = time.Duration(hours) * time.Hour
		return st.renew(in.CurrentVersion)
	})
	if err != nil {
		return nil, err
	}
	return reply(struct{}{})
}

// invalidRetention refuses a number of hours.
func invalidRetention(hours int) error {
	return invalid("The data retention of %d hours is not between 0 and %d.", hours, maxRetentionHours)
}
