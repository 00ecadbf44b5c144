//go:build e2e

package emulator_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // for image.Decode
	_ "image/png"  // for image.Decode
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/wire"
)

// secondOf reads the second that a picture of the test card shows, and gives the picture's format and size.
func secondOf(t *testing.T, content []byte) (second int, format string, size image.Point) {
	t.Helper()
	picture, format, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	size = picture.Bounds().Size()
	gray := make([]byte, 0, size.X*size.Y)
	for y := range size.Y {
		for x := range size.X {
			gray = append(gray, color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y)
		}
	}
	second, err = footage.ReadTestCard(gray, size.X, size.Y)
	if err != nil {
		t.Fatal(err)
	}
	return second, format, size
}

// images asks for images of the stream "a" and gives the answer.
func (c *client) images(from, to time.Time, interval int, more object) (out pictures) {
	c.t.Helper()
	c.call(c.endpoint("a", "GET_IMAGES"), "/getImages", imagesOf("a", producer, from, to, interval, more)).into(c.t, &out)
	return out
}

// TestGetImagesShowTheTime: each image is of its instant, to the frame, whatever clock it is asked by.
func TestGetImagesShowTheTime(t *testing.T) {
	tool(t, "ffmpeg")
	c := startLoopback(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
	minute := time.Now().Truncate(time.Minute).Add(-2 * time.Minute)
	for _, tc := range []struct {
		from     time.Duration
		interval int
		count    int
	}{{0, 200, 25}, {59 * time.Second, 200, 25}, {999 * time.Millisecond, 1000, 25}, {960 * time.Millisecond, 7000, 10}, {0, 12_345, 6}} {
		at := minute.Add(tc.from)
		begun := time.Now()
		out := c.images(at, at.Add(time.Duration((tc.count-1)*tc.interval)*time.Millisecond), tc.interval, nil)
		t.Logf("%d images each %d ms took %s", len(out.Images), tc.interval, time.Since(begun).Round(time.Millisecond))
		if len(out.Images) != tc.count {
			t.Fatalf("%d images, want %d", len(out.Images), tc.count)
		}
		for i, image := range out.Images {
			at := at.Add(time.Duration(i*tc.interval) * time.Millisecond)
			second, format, size := secondOf(t, image.ImageContent)
			if second != at.Second() || format != "jpeg" || size.X != 320 || size.Y != 180 {
				t.Errorf("%s: a %s of %s shows second %d", at, format, size, second)
			}
		}
	}
	byServer := c.call(c.endpoint("a", "GET_IMAGES"), "/getImages", imagesOf("a", server, minute.Add(250*time.Millisecond), minute.Add(250*time.Millisecond), 200, nil))
	var out pictures
	byServer.into(t, &out)
	// What was taken in at 250 ms past the minute was recorded in the two seconds before.
	if second, _, _ := secondOf(t, out.Images[0].ImageContent); second != 58 {
		t.Errorf("by server time the image shows second %d, want 58", second)
	}
}

func TestGetImagesForms(t *testing.T) {
	tool(t, "ffmpeg")
	c := startLoopback(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
	at := time.Now().Truncate(time.Second).Add(-time.Minute)
	sizes := make(map[string]int)
	for _, tc := range []struct {
		name   string
		more   object
		format string
		size   image.Point
	}{
		{"its own size", nil, "jpeg", image.Pt(320, 180)},
		{"wider", object{"WidthPixels": 640}, "jpeg", image.Pt(640, 360)},
		{"lower", object{"HeightPixels": 90}, "jpeg", image.Pt(160, 90)},
		{"stretched", object{"WidthPixels": 200, "HeightPixels": 333}, "jpeg", image.Pt(200, 333)},
		{"odd", object{"WidthPixels": 321}, "jpeg", image.Pt(321, 181)},
		{"PNG", object{"Format": "PNG"}, "png", image.Pt(320, 180)},
		{"worse", object{"FormatConfig": object{"JPEGQuality": "10"}}, "jpeg", image.Pt(320, 180)},
		{"better", object{"FormatConfig": object{"JPEGQuality": "100"}}, "jpeg", image.Pt(320, 180)},
	} {
		out := c.images(at, at, 200, tc.more)
		content := out.Images[0].ImageContent
		second, format, size := secondOf(t, content)
		if second != at.Second() || format != tc.format || size != tc.size {
			t.Errorf("%s: a %s of %s that shows second %d, want a %s of %s", tc.name, format, size, second, tc.format, tc.size)
		}
		sizes[tc.name] = len(content)
	}
	if sizes["worse"] >= sizes["its own size"] || sizes["better"] <= sizes["its own size"] {
		t.Errorf("quality changes nothing: %v", sizes)
	}
}

// scrambled has fragments whose pictures cannot be decoded where it is told so.
type scrambled struct {
	footage.Source
	broken func(footage.Fragment) bool
}

func (s scrambled) Fragments(sel footage.Selector, from, to time.Time) []footage.Fragment {
	all := s.Source.Fragments(sel, from, to)
	for i, f := range all {
		if !s.broken(f) {
			continue
		}
		frames := f.Video()
		for j := range frames {
			noise := slices.Clone(frames[j].Data)
			for k := 6; k < len(noise); k++ { // the length and the type of the first NAL unit stay
				noise[k] = 0xff
			}
			frames[j].Data = noise
		}
		broken, err := footage.NewFragment(f.Number, f.Producer, f.Server, f.VideoTrack(), frames, nil, nil, 0)
		if err == nil {
			all[i] = broken
		}
	}
	return all
}

// TestGetImagesOfOddMedia: a fragment that cannot be decoded spoils no other; where nothing was recorded that is said.
func TestGetImagesOfOddMedia(t *testing.T) {
	tool(t, "ffmpeg")
	minute := time.Now().Truncate(time.Minute).Add(-2 * time.Minute)
	broken := scrambled{card(t), func(f footage.Fragment) bool { return f.Producer.Equal(minute.Add(4 * time.Second)) }}
	c := startLoopback(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: broken}}})
	out := c.images(minute, minute.Add(10*time.Second), 1000, nil)
	for i, image := range out.Images {
		if i == 4 || i == 5 {
			if image.Error != "MEDIA_ERROR" || image.ImageContent != nil {
				t.Errorf("second %d: error %q, %d bytes, want MEDIA_ERROR", i, image.Error, len(image.ImageContent))
			}
			continue
		}
		if second, _, _ := secondOf(t, image.ImageContent); second != i || image.Error != "" {
			t.Errorf("second %d: shows %d, %s", i, second, image.Error)
		}
	}
	out = c.images(time.Now().Add(-49*time.Hour), time.Now().Add(-49*time.Hour), 200, nil)
	if image := out.Images[0]; image.Error != "NO_MEDIA" {
		t.Errorf("before retention: %q, want NO_MEDIA", image.Error)
	}
}

// TestGetImagesOfAnyVideo: H.264 with frames out of order, H.265, and both in one range.
func TestGetImagesOfAnyVideo(t *testing.T) {
	ffmpeg := tool(t, "ffmpeg")
	minute := time.Now().Truncate(time.Minute).Add(-2 * time.Minute)
	var all []emulator.Stream
	for i, codec := range [][]string{{"libx264", "-bf", "3"}, {"libx265", "-x265-params", "log-level=none:bframes=3"}} {
		file := filepath.Join(t.TempDir(), codec[0]+".mp4")
		// The first second is black and the second one white, and so on.
		args := append([]string{"-v", "error", "-f", "lavfi", "-i", `color=black:r=10:d=8:s=160x96,geq=lum='255*mod(floor(T)\,2)':cb=128:cr=128`, "-c:v"}, codec...)
		args = append(args, "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p", "-y", file)
		if out, err := exec.CommandContext(t.Context(), ffmpeg, args...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, out)
		}
		begin := minute.Add(time.Duration(i) * 8 * time.Second)
		spec, err := footage.ParseSpec(fmt.Sprintf("a=%s@%s", file, begin.UTC().Format(time.RFC3339)))
		if err != nil {
			t.Fatal(err)
		}
		source, err := spec.Open(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, emulator.Stream{Name: wire.StreamName(spec.Name), Source: source})
	}
	c := startLoopback(t, emulator.Options{NoQuota: true, Streams: all})
	for _, offset := range []time.Duration{0, 999 * time.Millisecond} {
		out := c.images(minute.Add(offset), minute.Add(offset+15*time.Second), 1000, nil)
		for i, given := range out.Images {
			picture, _, err := image.Decode(bytes.NewReader(given.ImageContent))
			if err != nil {
				t.Fatalf("second %d: %s: %v", i, given.Error, err)
			}
			if bright := color.GrayModel.Convert(picture.At(80, 48)).(color.Gray).Y; (bright > 128) != (i%2 == 1) {
				t.Errorf("%s after second %d: a brightness of %d", offset, i, bright)
			}
		}
	}
}

// imagesScript asks for images as an application does, and prints what came.
const imagesScript = `
import base64, boto3, datetime, json, os, sys
kv = boto3.client("kinesisvideo", endpoint_url=os.environ["ENDPOINT"])
url = kv.get_data_endpoint(StreamName="card", APIName="GET_IMAGES")["DataEndpoint"]
media = boto3.client("kinesis-video-archived-media", endpoint_url=url)
start = datetime.datetime.fromtimestamp(int(sys.argv[1]), datetime.timezone.utc)
pages = media.get_paginator("get_images").paginate(StreamName="card", ImageSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=start,
    EndTimestamp=start + datetime.timedelta(seconds=90), SamplingInterval=3000, Format="JPEG", FormatConfig={"JPEGQuality": "90"},
    WidthPixels=640, HeightPixels=360)
print(json.dumps([{"at": i["TimeStamp"].timestamp(), "content": i.get("ImageContent"), "error": i.get("Error")} for p in pages for i in p["Images"]]))
`

// TestImagesByOtherClients: what boto3 and the AWS CLI make of GetImages, decoded, shows the right seconds.
func TestImagesByOtherClients(t *testing.T) {
	tool(t, "ffmpeg")
	python, aws := tool(t, "/usr/bin/python3"), tool(t, "/usr/bin/aws")
	c := checked(t)
	env := toolEnv(t, c)
	minute := time.Now().Truncate(time.Minute).Add(-3 * time.Minute)
	check := func(name string, i int, content string) {
		t.Helper()
		picture, err := base64.StdEncoding.DecodeString(content)
		if err != nil {
			t.Fatal(err)
		}
		if second, format, size := secondOf(t, picture); second != 3*i%60 || format != "jpeg" || size != image.Pt(640, 360) {
			t.Errorf("%s: image %d is a %s of %s that shows second %d, want %d", name, i, format, size, second, 3*i%60)
		}
	}
	var got []struct {
		At             float64
		Content, Error string
	}
	if err := json.Unmarshal([]byte(runTool(t, env, python, "-c", imagesScript, fmt.Sprint(minute.Unix()))), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 31 {
		t.Errorf("boto3: %d images, want 31 of two pages", len(got))
	}
	for i, image := range got {
		if image.At != float64(minute.Unix()+int64(3*i)) || image.Error != "" {
			t.Errorf("boto3: image %d is of %f, error %q", i, image.At, image.Error)
		}
		check("boto3", i, image.Content)
	}
	endpoint := runTool(t, env, aws, "kinesisvideo", "get-data-endpoint", "--endpoint-url", c.server.Endpoint(), "--stream-name", "card",
		"--api-name", "GET_IMAGES", "--output", "text")
	var out struct {
		Images []struct{ ImageContent string }
	}
	text := runTool(t, env, aws, "kinesis-video-archived-media", "get-images", "--endpoint-url", endpoint, "--stream-name", "card",
		"--image-selector-type", "PRODUCER_TIMESTAMP", "--start-timestamp", fmt.Sprint(minute.Unix()), "--end-timestamp", fmt.Sprint(minute.Unix()+9),
		"--sampling-interval", "3000", "--format", "JPEG", "--width-pixels", "640", "--height-pixels", "360", "--output", "json")
	if err := json.Unmarshal([]byte(text), &out); err != nil || len(out.Images) != 4 {
		t.Fatalf("the AWS CLI: %d images, %v", len(out.Images), err)
	}
	for i, image := range out.Images {
		check("the AWS CLI", i, image.ImageContent)
	}
}
