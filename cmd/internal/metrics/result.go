package metrics

import (
	"context"
	"errors"

	"clipfs/clip/archive"
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
		{archive.ErrCredentials, resultCredentials},
		{archive.ErrDenied, "denied"},
		{archive.ErrRefused, "refused"},
		{archive.ErrNoStream, "not_found"},
		{archive.ErrNoFootage, "not_found"},
		{archive.ErrInvalid, "invalid"},
		{archive.ErrMedia, "media"},
		{archive.ErrNoRetention, "no_retention"},
		{archive.ErrThrottled, "throttled"},
		{archive.ErrUnreachable, "unreachable"},
		{context.Canceled, "given_up"},
	} {
		if errors.Is(err, row.is) {
			return row.name
		}
	}
	return resultOther
}
