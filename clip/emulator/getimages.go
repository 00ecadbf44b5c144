package emulator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/images"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

const (
	// imagePage is how many images a page has at most, whatever MaxResults says (API reference, GetImages).
	imagePage = 25
	// imagePoints is what a call costs in metadata beside a point an image (quotas page).
	imagePoints = 400
	// maxImageSpan is how far apart the ends of a range may be, the others bound SamplingInterval, and say what it is where it is not
	// given (API reference, GetImages).
	maxImageSpan                       = 300 * time.Second
	minSampling, maxSampling, sampling = 200, 20_000, 3000
	// maxImage is the largest image, in bytes: 6 MiB of base64 (API reference, Image).
	maxImage = 6 << 20 / 4 * 3
)

// imagesInput is the input of GetImages.
type imagesInput struct {
	wire.StreamRef
	ImageSelectorType string
	StartTimestamp    wire.Timestamp
	EndTimestamp      wire.Timestamp
	SamplingInterval  *int64
	Format            string
	FormatConfig      map[string]string
	WidthPixels       int
	HeightPixels      int
	MaxResults        *int
	NextToken         string
}

// imageOutput is an Image on the wire. TimeStamp is the instant that it stands for.
type imageOutput struct {
	TimeStamp    wire.Timestamp
	Error        string `json:",omitempty"`
	ImageContent []byte `json:",omitempty"`
}

// sampled is a range of instants, what their images are like, and how many were asked for.
type sampled struct {
	by       footage.Selector
	start    time.Time
	end      time.Time
	interval time.Duration
	options  images.Options
	results  int
}

// String gives it as one word, for binding tokens to it.
func (in sampled) String() string {
	return fmt.Sprintf("%d/%d/%d/%d/%v", in.by, in.start.UnixMilli(), in.end.UnixMilli(), in.interval.Milliseconds(), in.options)
}

// read says what an input asks for. A width or a height alone is refused where strict: the reference says so, and also that the other
// follows from the stream's.
func (in imagesInput) read(strict bool) (s sampled, err error) {
	s = sampled{
		by: footage.ByProducer, start: in.StartTimestamp.Time, end: in.EndTimestamp.Time, interval: sampling * time.Millisecond, results: imagePage,
		options: images.Options{Width: in.WidthPixels, Height: in.HeightPixels},
	}
	if in.ImageSelectorType == "SERVER_TIMESTAMP" {
		s.by = footage.ByServer
	}
	if in.Format == "PNG" {
		s.options.Format = images.PNG
	}
	if in.MaxResults != nil {
		s.results = *in.MaxResults
	}
	if ms := in.SamplingInterval; ms != nil {
		if err := checkSampling(*ms); err != nil {
			return s, err
		}
		s.interval = time.Duration(*ms) * time.Millisecond
	}
	if s.options.Quality, err = readQuality(in.FormatConfig); err != nil {
		return s, err
	}
	switch {
	case s.end.Before(s.start):
		return s, wire.Invalid("StartTimestamp is after EndTimestamp.")
	case s.end.Sub(s.start) > maxImageSpan:
		return s, wire.Invalid("EndTimestamp must be within %d seconds of StartTimestamp.", int(maxImageSpan.Seconds()))
	case strict && (in.WidthPixels > 0) != (in.HeightPixels > 0):
		return s, wire.Refuse(wire.Validation, "WidthPixels and HeightPixels must be given together.")
	}
	return s, nil
}

// checkSampling refuses an interval of images.
func checkSampling(ms int64) error {
	if ms < minSampling || ms > maxSampling {
		return wire.Invalid("SamplingInterval %d must be from %d to %d ms.", ms, minSampling, maxSampling)
	}
	return nil
}

// readQuality gives the quality of JPEG that a FormatConfig says; 0 if it says none.
func readQuality(config map[string]string) (quality int, err error) {
	text, given := config["JPEGQuality"]
	if !given {
		return 0, nil
	}
	if quality, err = strconv.Atoi(text); err != nil || quality < 1 || quality > 100 {
		return 0, wire.Invalid("JPEGQuality %s must be from 1 to 100.", text)
	}
	return quality, nil
}

// instants gives those of the page that begins with the n-th, and whether there are more.
func (in sampled) instants(n int) (page []time.Time, more bool) {
	for at := in.start.Add(time.Duration(n) * in.interval); !at.After(in.end); at = at.Add(in.interval) {
		if len(page) == min(in.results, imagePage) {
			return page, true
		}
		page = append(page, at)
	}
	return page, false
}

// getImages gives an image for each instant of a range, or says why there is none.
func (s *Server) getImages(ctx context.Context, c *call, in imagesInput) (answer, error) {
	asked, err := in.read(s.options.StrictImages)
	if err != nil {
		return nil, err
	}
	st, err := s.findKept(c, in.StreamRef)
	if err != nil {
		return nil, err
	}
	sel := streams.Selection{By: asked.by, Start: asked.start, End: asked.end}
	if err := sel.CheckRetention(st, c.now); err != nil {
		return nil, err
	}
	query, first := fmt.Sprintf("GetImages %s %s", st, asked), 0
	if in.NextToken != "" {
		text, err := s.tokens.Open(query, in.NextToken)
		if err != nil {
			return nil, err
		}
		first, _ = strconv.Atoi(text) // which was sealed
	}
	if err := st.Quota.Points(c.now, asked.results, imagePoints+asked.results); err != nil {
		return nil, err
	}
	instants, more := asked.instants(first)
	made, err := s.makeImages(ctx, c, st, asked, instants)
	if err != nil {
		return nil, err
	}
	out := struct {
		Images    []imageOutput
		NextToken string `json:",omitempty"`
	}{Images: made}
	if more {
		out.NextToken = s.tokens.Seal(query, strconv.Itoa(first+len(instants)))
	}
	return jsonAnswer{value: out}, nil
}

// makeImages makes the images of instants.
func (s *Server) makeImages(ctx context.Context, c *call, st streams.Stream, asked sampled, instants []time.Time) ([]imageOutput, error) {
	out := make([]imageOutput, len(instants))
	if len(instants) == 0 {
		return out, nil
	}
	around := streams.Selection{By: asked.by, Start: instants[0].Add(-images.Reach), End: instants[len(instants)-1].Add(images.Reach)}
	fragments := streams.Servable(st, st.Visible(around, c.now), s.options.Overlaps, c.now)
	shots := images.Find(fragments, asked.by, instants)
	made, err := s.images.Make(ctx, shots, asked.options)
	if errors.Is(err, images.ErrNoDecoder) {
		return nil, wire.Refuse(wire.NotImplemented, "the clipfs emulator makes images with ffmpeg, and finds none on this machine: install it")
	}
	if err != nil {
		return nil, err
	}
	for i, image := range made {
		out[i].TimeStamp = wire.Timestamp{Time: instants[i]}
		switch {
		case shots[i].None():
			out[i].Error = "NO_MEDIA"
		case image.Err != nil || len(image.Content) > maxImage:
			s.log.Debug("no image", "stream", st.Name, "at", instants[i], "bytes", len(image.Content), "err", image.Err)
			out[i].Error = "MEDIA_ERROR"
		default:
			out[i].ImageContent = image.Content
			c.fragments++
		}
	}
	return out, nil
}
