package offers

import (
	"context"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline"
)

// Relists gives what lists ten minutes of an archive again.
func Relists(service archive.Service) func(context.Context, timeline.View, archive.PayloadQuery, time.Time, time.Time) ([]archive.Fragment, error) {
	return newRelists(service, time.Minute).from
}
