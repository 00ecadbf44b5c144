package doctor

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

const clocksName = "clock of the cameras"

const (
	// clocksWithin is how far back footage is looked at to compare clocks, and clocksFragments how much of it of a stream.
	clocksWithin    = 24 * time.Hour
	clocksFragments = 10
	// maxCameraAhead is how far ahead of the service's a camera's clock may be.
	maxCameraAhead = time.Minute
)

// checkClocks compares what cameras say of the time with what the service says, of what has arrived lately.
func (d *doctor) checkClocks(ctx context.Context, service *kvs.Archive, candidates []archive.Stream) {
	d.check(ctx, clocksName, func(ctx context.Context) (string, error) {
		compared := 0
		for _, s := range candidates {
			s = described(ctx, service, s)
			if s.Retention == 0 {
				continue
			}
			now, length := time.Now(), min(clocksWithin, s.Retention)
			span := archive.NewSpan(now.Add(-length), length)
			query := archive.FragmentQuery{Stream: s.Name, Selector: archive.ByServer, Span: span, Limit: clocksFragments}
			seen := 0
			for f, err := range service.Fragments(ctx, query) {
				if err != nil {
					return "", ailing(err, adviceOn(err, "ListFragments"))
				}
				seen++
				if off := clockFault(f, now, s.Retention); off != "" {
					return "", ailing(fmt.Errorf("%s: a fragment that arrived at %s says %s: %s", s.Name, f.Server.Format(time.RFC3339),
						f.Producer.Format(time.RFC3339), off), "set the camera's clock (NTP); until then --timestamps server goes by when footage arrived")
				}
			}
			compared += min(seen, 1)
		}
		if compared == 0 {
			return fmt.Sprintf("nothing has arrived in %s", clocksWithin), nil
		}
		return fmt.Sprintf("what has arrived of %d streams bears no time that is to come, and none that is not kept", compared), nil
	})
}

// clockFault says what is wrong with the time of a fragment; "" where nothing is. Footage may be uploaded late, so that only
// times that are not kept are too old.
func clockFault(f archive.Fragment, now time.Time, retention time.Duration) string {
	off := f.Producer.Sub(f.Server)
	switch {
	case off > maxCameraAhead:
		return fmt.Sprintf("the clock is %s ahead", off.Round(time.Second))
	case retention > 0 && f.Producer.Before(now.Add(-retention)) && !f.Server.Before(now.Add(-retention)):
		return fmt.Sprintf("the clock is %s behind, and such times are not kept", (-off).Round(time.Second))
	}
	return ""
}
