package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

const (
	// footageAge is how old footage has to be that is tried: what is younger is still being listed.
	footageAge = 15 * time.Second
	// footageMargin keeps it clear of the border of retention, at most a tenth of it.
	footageMargin = time.Hour
	// unknownRetention is how far back is looked where retention is not told.
	unknownRetention = 24 * time.Hour
)

// chosen is the stream that is tried, and a fragment of it; without one where fragments may not be listed.
type chosen struct {
	stream   archive.Stream
	fragment *archive.Fragment
	// undescribed is when the stream could be listed, but not described.
	undescribed bool
}

// checkActions tries the actions up to ListFragments, and gives a fragment for the rest; false if there is nothing to go
// on with.
func (d *doctor) checkActions(ctx context.Context, service *kvs.Archive, listed listing) (chosen, bool) {
	d.check(ctx, "ListStreams", func(context.Context) (string, error) { return d.judgeListing(listed) })
	candidates := d.candidates(listed)
	if len(candidates) == 0 {
		if listed.err != nil {
			d.skipFrom("DescribeStream", "ListStreams; name a stream with --stream")
			return chosen{}, false
		}
		d.skip("want of a stream", "DescribeStream", "GetDataEndpoint", "ListFragments", clocksName)
		d.check(ctx, "footage", func(context.Context) (string, error) {
			return "", ailing(fmt.Errorf("no streams in %s", service.Region()), "look at AWS_REGION and AWS_PROFILE; or make a stream, and send to it (PutMedia)")
		})
		d.skipFrom("GetClip", "footage")
		return chosen{}, false
	}
	first := candidates[0]
	described := d.check(ctx, "DescribeStream", func(ctx context.Context) (string, error) {
		told, err := service.Stream(ctx, first.Name)
		if err != nil {
			return "", ailing(err, adviceOn(err, "DescribeStream"))
		}
		candidates[0] = told
		return fmt.Sprintf("%s keeps footage for %s", told.Name, told.Retention), nil
	})
	if !described && first.ARN == "" {
		d.skipFrom("GetDataEndpoint", "DescribeStream")
		return chosen{}, false
	}
	if !d.check(ctx, "GetDataEndpoint", func(ctx context.Context) (string, error) {
		endpoint, err := service.DataEndpoint(ctx, first.Name)
		if err != nil {
			return "", ailing(err, adviceOn(err, "GetDataEndpoint"))
		}
		if u, err := url.Parse(endpoint); err == nil {
			endpoint = u.Host
		}
		return endpoint, nil
	}) {
		d.skipFrom("ListFragments", "GetDataEndpoint")
		return chosen{}, false
	}
	found, ok := d.checkFootage(ctx, service, candidates)
	found.undescribed = !described
	return found, ok
}

func (d *doctor) judgeListing(l listing) (string, error) {
	switch {
	case errors.Is(l.err, archive.ErrNotListable) && len(d.cfg.Streams) > 0:
		return "not permitted, and not needed for streams that are named (--stream)", nil
	case l.err != nil:
		return "", ailing(l.err, adviceOn(l.err, "ListStreams")+"; or name streams with --stream")
	case l.more:
		return fmt.Sprintf("more than %d streams", maxListed), nil
	}
	return fmt.Sprintf("%d streams", len(l.streams)), nil
}

// candidates gives the streams that may be tried: those that are named, else those that are listed.
func (d *doctor) candidates(l listing) []archive.Stream {
	if len(d.cfg.Streams) == 0 {
		return l.streams
	}
	var all []archive.Stream
	for _, name := range d.cfg.Streams {
		stream := archive.Stream{Name: archive.StreamName(name)}
		for _, s := range l.streams {
			if s.Name == stream.Name {
				stream = s
			}
		}
		all = append(all, stream)
	}
	return all[:min(len(all), maxListed)]
}

func (d *doctor) checkFootage(ctx context.Context, service *kvs.Archive, candidates []archive.Stream) (chosen, bool) {
	found, tried := chosen{stream: candidates[0]}, 0
	if !d.check(ctx, "ListFragments", func(ctx context.Context) (string, error) {
		for _, s := range candidates {
			c, err := d.fragmentOf(ctx, service, s)
			if err != nil {
				return "", ailing(err, adviceOn(err, "ListFragments"))
			}
			if tried++; c.fragment != nil {
				found = c
				break
			}
		}
		return fmt.Sprintf("asked of %d streams", tried), nil
	}) {
		d.skip("ListFragments", clocksName, "footage")
		return chosen{stream: candidates[0]}, true
	}
	d.checkClocks(ctx, service, candidates)
	if !d.check(ctx, "footage", func(context.Context) (string, error) {
		if f := found.fragment; f != nil {
			return fmt.Sprintf("%s, a fragment of %s at %s", found.stream.Name, f.Length, f.Time(d.cfg.Selector).Format(time.RFC3339)), nil
		}
		if len(candidates) == 1 && candidates[0].Retention == 0 && candidates[0].ARN != "" {
			return "", ailing(fmt.Errorf("%s retains nothing", candidates[0].Name), "give it a retention (UpdateDataRetention); footage from then on is kept")
		}
		return "", ailing(fmt.Errorf("none in %s", namesOf(candidates)), "look whether the camera sends (PutMedia), at the streams' retention, and at --stream and --timestamps")
	}) {
		d.skipFrom("GetClip", "footage")
		return chosen{}, false
	}
	return found, true
}

func namesOf(streams []archive.Stream) string {
	if len(streams) == 1 {
		return string(streams[0].Name)
	}
	return fmt.Sprintf("%s and %d other streams", streams[0].Name, len(streams)-1)
}

// described gives a stream with its retention, which is not known of one that was named and not listed.
func described(ctx context.Context, service *kvs.Archive, s archive.Stream) archive.Stream {
	if s.ARN != "" {
		return s
	}
	if told, err := service.Stream(ctx, s.Name); err == nil {
		return told
	}
	s.Retention = unknownRetention
	return s
}

func (d *doctor) fragmentOf(ctx context.Context, service *kvs.Archive, s archive.Stream) (chosen, error) {
	s = described(ctx, service, s)
	now := time.Now()
	margin := min(footageMargin, s.Retention/10)
	span := archive.NewSpan(now.Add(margin-s.Retention), s.Retention-margin-footageAge)
	if s.Retention == 0 {
		return chosen{stream: s}, nil
	}
	query := archive.FragmentQuery{Stream: s.Name, Selector: d.cfg.Selector, Span: span, Limit: 1}
	for f, err := range service.Fragments(ctx, query) {
		if err != nil {
			return chosen{}, err
		}
		return chosen{stream: s, fragment: &f}, nil
	}
	return chosen{stream: s}, nil
}

func adviceOn(err error, action string) string {
	switch {
	case errors.Is(err, archive.ErrCredentials):
		return "renew the credentials, or correct them"
	case errors.Is(err, archive.ErrDenied):
		return fmt.Sprintf("allow kinesisvideo:%s in the IAM policy of these credentials; service control, boundary and endpoint policies count too", action)
	case errors.Is(err, archive.ErrNoStream):
		return "look at the name (--stream), AWS_REGION and AWS_PROFILE"
	case errors.Is(err, archive.ErrThrottled):
		return "others use up the quota of calls: try again later, or ask AWS for more"
	case errors.Is(err, archive.ErrRefused):
		return "look at what answers there: a proxy, a gateway, or an --endpoint-url that is not of the service"
	case errors.Is(err, archive.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return "look at the network, proxy, firewall and VPC endpoint on the way there; or give it more time with --timeout"
	case errors.Is(err, archive.ErrMedia):
		return "send H.264 or H.265, with AAC or G.711, and codec private data; or try another stream with --stream"
	}
	return "try again, and another stream with --stream"
}
