package kvs

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/smithy-go/middleware"

	"clipfs/clip/archive"
	"clipfs/clip/quota"
)

const (
	// streamsPage is how many streams are asked for at a time; the service gives fewer as it likes, about 10 to those
	// who do not say.
	streamsPage = 1000
	// maxPages is after how many pages a listing is given up as endless. A day of 1 s fragments has 87.
	maxPages = 2000
	// maxRetentionHours bounds what is believed of a stream's retention: 100 years.
	maxRetentionHours = 100 * 365 * 24
	// maxListed is after how many streams a listing is given up as endless. An account has 10,000 unless it asked for
	// more.
	maxListed = 100_000
	// maxLeftOut bounds how many names that cannot be shown are logged.
	maxLeftOut = 1000
)

// Streams implements archive.Service. A name that no stream can have, or that no directory could show, is left out and
// logged.
func (a *Archive) Streams(ctx context.Context) iter.Seq2[archive.Stream, error] {
	return func(yield func(archive.Stream, error) bool) {
		var pages pages
		listed := 0
		for more := true; more; {
			c := a.newCall(opListStreams, "", cost{quota.ListStreams, 1})
			var out *kinesisvideo.ListStreamsOutput
			err := c.renewing(ctx, func() (err error) {
				out, err = a.control.ListStreams(ctx, &kinesisvideo.ListStreamsInput{
					MaxResults: aws.Int32(streamsPage), NextToken: pages.token,
				}, c.controlOptions)
				return err
			})
			if err != nil {
				yield(archive.Stream{}, c.end(ctx, middleware.Metadata{}, err))
				return
			}
			for i := range out.StreamInfoList {
				pages.note(aws.ToString(out.StreamInfoList[i].StreamName))
			}
			more, err = pages.next(out.NextToken)
			if listed += len(out.StreamInfoList); listed > maxListed {
				err = fmt.Errorf("%w: a listing of more than %d streams", ErrAnswer, maxListed)
			}
			if err := c.end(ctx, out.ResultMetadata, err); err != nil {
				yield(archive.Stream{}, err)
				return
			}
			for i := range out.StreamInfoList {
				s := newStream(&out.StreamInfoList[i])
				if !s.Name.Valid() {
					a.leaveOut(s.Name)
					continue
				}
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

// leaveOut logs, once, that a stream is not shown.
func (a *Archive) leaveOut(name archive.StreamName) {
	text := a.credentials.secrets.Tidy(fmt.Sprintf("%q", name))
	a.mu.Lock()
	_, told := a.leftOut[text]
	if told = told || len(a.leftOut) >= maxLeftOut; !told {
		a.leftOut[text] = struct{}{}
	}
	a.mu.Unlock()
	if !told {
		a.log.Warn("stream left out: its name cannot be shown", "stream", text)
	}
}

// Stream implements archive.Service.
func (a *Archive) Stream(ctx context.Context, name archive.StreamName) (archive.Stream, error) {
	if err := checkName(name); err != nil {
		return archive.Stream{}, err
	}
	c := a.newCall("DescribeStream", name, cost{quota.DescribeStream, 1})
	var out *kinesisvideo.DescribeStreamOutput
	err := c.renewing(ctx, func() (err error) {
		out, err = a.control.DescribeStream(ctx, &kinesisvideo.DescribeStreamInput{StreamName: aws.String(string(name))}, c.controlOptions)
		return err
	})
	if err != nil {
		return archive.Stream{}, c.end(ctx, middleware.Metadata{}, err)
	}
	if out.StreamInfo == nil {
		err = fmt.Errorf("%w: nothing about the stream", ErrAnswer)
	}
	if err := c.end(ctx, out.ResultMetadata, err); err != nil {
		return archive.Stream{}, err
	}
	s := newStream(out.StreamInfo)
	s.Name = name
	return s, nil
}

// newStream gives the stream that the service describes, with its name unchecked.
func newStream(info *types.StreamInfo) archive.Stream {
	s := archive.Stream{
		Name: archive.StreamName(aws.ToString(info.StreamName)),
		ARN:  aws.ToString(info.StreamARN),
	}
	if info.CreationTime != nil {
		s.Created = info.CreationTime.UTC()
	}
	if hours := info.DataRetentionInHours; hours != nil && *hours >= 0 {
		s.Retention = time.Duration(min(*hours, maxRetentionHours)) * time.Hour
	}
	return s
}
