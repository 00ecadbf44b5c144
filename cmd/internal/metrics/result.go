package metrics

import (
	"context"
	"errors"

	"clipfs/clip"
)

// What a call can come to, as the label says it.
const (
	resultOK          = "ok"
	resultCredentials = "credentials"
	resultOther       = "error"
)

// result gives what a call came to. The first row that matches counts.
func result(err error) string {
	if err == nil {
		return resultOK
	}
	for _, row := range []struct {
		is   error
		name string
	}{
		{clip.ErrCredentials, resultCredentials},
		{clip.ErrDenied, "denied"},
		{clip.ErrRefused, "refused"},
		{clip.ErrNoStream, "not_found"},
		{clip.ErrNoFootage, "not_found"},
		{clip.ErrInvalid, "invalid"},
		{clip.ErrMedia, "media"},
		{clip.ErrNoRetention, "no_retention"},
		{clip.ErrThrottled, "throttled"},
		{clip.ErrUnreachable, "unreachable"},
		{context.Canceled, "given_up"},
	} {
		if errors.Is(err, row.is) {
			return row.name
		}
	}
	return resultOther
}
