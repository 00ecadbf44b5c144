package emulator_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
)

// pictures is an answer of GetImages.
type pictures struct {
	Images []struct {
		TimeStamp    float64
		Error        string
		ImageContent []byte
	}
	NextToken string
}

// imagesOf is the input of GetImages for a range.
func imagesOf(stream, kind string, from, to time.Time, interval int, more object) object {
	in := object{
		"StreamName": stream, "ImageSelectorType": kind, "StartTimestamp": epoch(from), "EndTimestamp": epoch(to), "SamplingInterval": interval, "Format": "JPEG",
	}
	for name, value := range more {
		in[name] = value
	}
	return in
}

// epoch is a time on the wire.
func epoch(t time.Time) json.Number {
	b, _ := json.Marshal(float64(t.UnixMilli()) / 1000)
	return json.Number(b)
}

// TestGetImagesInstants: which instants there are images for, page after page, and that nothing was recorded then.
func TestGetImagesInstants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a"}}})
		data := c.endpoint("a", "GET_IMAGES")
		for _, tc := range []struct {
			name     string
			length   time.Duration
			interval int
			more     object
			pages    []int
		}{
			{"the range is shorter than the interval", time.Second, 3000, nil, []int{1}},
			{"of no length", 0, 200, nil, []int{1}},
			{"both ends", 10 * time.Second, 1000, nil, []int{11}},
			{"a millisecond less", 10*time.Second - time.Millisecond, 1000, nil, []int{10}},
			{"the longest", 300 * time.Second, 20_000, nil, []int{16}},
			{"three seconds if nothing is said", 9 * time.Second, 0, nil, []int{4}},
			{"25 a page", 10 * time.Second, 200, nil, []int{25, 25, 1}},
			{"25 a page, whatever is asked for", 10 * time.Second, 200, object{"MaxResults": 100}, []int{25, 25, 1}},
			{"fewer", 10 * time.Second, 1000, object{"MaxResults": 4}, []int{4, 4, 3}},
			{"a whole page", 4800 * time.Millisecond, 200, nil, []int{25}},
		} {
			in := imagesOf("a", producer, now.Add(-10*time.Minute), now.Add(-10*time.Minute+tc.length), tc.interval, tc.more)
			if tc.interval == 0 {
				delete(in, "SamplingInterval")
				tc.interval = 3000
			}
			at, token := now.Add(-10*time.Minute), ""
			for i, want := range tc.pages {
				if token != "" {
					in["NextToken"] = token
				}
				var out pictures
				c.call(data, "/getImages", in).into(t, &out)
				if len(out.Images) != want || (out.NextToken == "") != (i == len(tc.pages)-1) {
					t.Errorf("%s: page %d has %d images, and token %q, want %d of %v", tc.name, i, len(out.Images), out.NextToken, want, tc.pages)
					break
				}
				for _, image := range out.Images {
					if got := time.UnixMilli(int64(image.TimeStamp*1000 + 0.5)); !got.Equal(at) || image.Error != "NO_MEDIA" || image.ImageContent != nil {
						t.Errorf("%s: %s of %s, want NO_MEDIA of %s", tc.name, image.Error, got, at)
					}
					at = at.Add(time.Duration(tc.interval) * time.Millisecond)
				}
				token = out.NextToken
			}
		}
	})
}

func TestGetImagesRefused(t *testing.T) {
	const badArg = "InvalidArgumentException"
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a"}, {Name: "b"}}})
		data := c.endpoint("a", "GET_IMAGES")
		c.control("/createStream", object{"StreamName": "unkept"}).into(t, new(object))
		from, to := now.Add(-time.Minute), now.Add(-50*time.Second)
		in := func(more object) object { return imagesOf("a", producer, from, to, 1000, more) }
		var paged pictures
		c.call(data, "/getImages", in(object{"MaxResults": 3})).into(t, &paged)
		for _, tc := range []struct {
			name       string
			in         object
			kind, text string
			status     int
		}{
			{"no such stream", in(object{"StreamName": "zz"}), "ResourceNotFoundException", "not found or not active", 404},
			{"a stream that keeps nothing", in(object{"StreamName": "unkept"}), "NoDataRetentionException", "", 400},
			{"too close", in(object{"SamplingInterval": 199}), badArg, "SamplingInterval 199", 400},
			{"too far apart", in(object{"SamplingInterval": 20_001}), badArg, "SamplingInterval 20001", 400},
			{"too long", imagesOf("a", producer, from.Add(-291*time.Second), to, 20_000, nil), badArg, "within 300 seconds", 400},
			{"backwards", imagesOf("a", producer, to, from, 1000, nil), badArg, "StartTimestamp is after", 400},
			{"before retention by server time", imagesOf("a", server, now.Add(-72*time.Hour), now.Add(-72*time.Hour), 1000, nil), badArg, "retention", 400},
			{"of no clock", in(object{"ImageSelectorType": "X"}), badArg, "imageSelectorType", 400},
			{"of no format", in(object{"Format": "GIF"}), badArg, "format", 400},
			{"too wide", in(object{"WidthPixels": 3841}), badArg, "widthPixels", 400},
			{"too high", in(object{"HeightPixels": 2161}), badArg, "heightPixels", 400},
			{"no width", in(object{"WidthPixels": 0}), badArg, "widthPixels", 400},
			{"too many", in(object{"MaxResults": 101}), badArg, "maxResults", 400},
			{"too good", in(object{"FormatConfig": object{"JPEGQuality": "101"}}), badArg, "JPEGQuality", 400},
			{"not a quality", in(object{"FormatConfig": object{"JPEGQuality": "high"}}), badArg, "JPEGQuality", 400},
			{"not a setting", in(object{"FormatConfig": object{"Quality": "80"}}), badArg, "formatConfig", 400},
			{"a token of other images", in(object{"MaxResults": 3, "NextToken": paged.NextToken, "WidthPixels": 320}), badArg, "NextToken", 400},
			{"a token of another stream", in(object{"MaxResults": 3, "NextToken": paged.NextToken, "StreamName": "b"}), badArg, "NextToken", 400},
		} {
			r := c.call(data, "/getImages", tc.in)
			t.Log(tc.name)
			r.wantError(t, tc.status, tc.kind, tc.text)
		}
		var next pictures
		c.call(data, "/getImages", in(object{"MaxResults": 3, "NextToken": paged.NextToken})).into(t, &next)
		if len(next.Images) != 3 {
			t.Errorf("the token's own page has %d images", len(next.Images))
		}
	})
}

// TestGetImagesStrict: a width or a height alone is taken or not, as the server is told.
func TestGetImagesStrict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, strict := range []bool{false, true} {
			c := start(t, emulator.Options{StrictImages: strict, Streams: []emulator.Stream{{Name: "a"}}})
			data, now := c.endpoint("a", "GET_IMAGES"), time.Now()
			for _, more := range []object{{"WidthPixels": 640}, {"HeightPixels": 360}, {"WidthPixels": 640, "HeightPixels": 360}, {}} {
				r := c.call(data, "/getImages", imagesOf("a", producer, now.Add(-time.Minute), now.Add(-time.Minute), 200, more))
				if strict && len(more) == 1 {
					r.wantError(t, 400, "ValidationException", "together")
				} else if r.status != http.StatusOK {
					t.Errorf("%v: %d %s", more, r.status, r.body)
				}
			}
		}
	})
}

// TestGetImagesQuota: a call costs a point of media an image that is asked for, and of metadata 400 more.
func TestGetImagesQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct{ results, calls int }{{1, 24}, {25, 20}, {100, 5}} {
			c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a"}}})
			data, now := c.endpoint("a", "GET_IMAGES"), time.Now()
			in := imagesOf("a", producer, now.Add(-time.Minute), now.Add(-time.Minute), 200, object{"MaxResults": tc.results})
			for i := range tc.calls {
				if r := c.call(data, "/getImages", in); r.status != http.StatusOK {
					t.Errorf("%d images: call %d: %d %s", tc.results, i, r.status, r.body)
				}
			}
			c.call(data, "/getImages", in).wantError(t, 400, "ClientLimitExceededException", "")
			time.Sleep(time.Second)
			if r := c.call(data, "/getImages", in); r.status != http.StatusOK {
				t.Errorf("%d images, a second later: %d %s", tc.results, r.status, r.body)
			}
		}
	})
}

// TestGetImagesWithoutFFmpeg: where nothing decodes the answer says so.
func TestGetImagesWithoutFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	c := startLoopback(t, emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
	at := time.Now().Add(-time.Minute)
	c.call(c.endpoint("a", "GET_IMAGES"), "/getImages", imagesOf("a", producer, at, at, 200, nil)).
		wantError(t, 501, "NotImplementedException", "makes images with ffmpeg")
}
