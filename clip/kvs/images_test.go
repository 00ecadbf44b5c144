package kvs_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/clip/quota"
)

// jpeg is what begins as a JPEG does.
func jpeg(text string) []byte { return append([]byte{0xff, 0xd8, 0xff, 0xe0}, text...) }

// picture is an image of an answer.
func picture(at, text string) string {
	return fmt.Sprintf(`{"TimeStamp":%s,"ImageContent":%q}`, at, base64.StdEncoding.EncodeToString(jpeg(text)))
}

// answerImages answers GetImages.
func answerImages(w http.ResponseWriter, images ...string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"Images":[%s],"NextToken":null}`, strings.Join(images, ","))
}

// threeImages asks for images at three instants, two seconds apart.
func threeImages() archive.ImageQuery {
	return archive.ImageQuery{Stream: "door", Start: start(), Interval: 2 * time.Second, Count: 3, Width: 640}
}

func TestImagesOnTheWire(t *testing.T) {
	for _, tc := range []struct {
		name  string
		query func(*archive.ImageQuery)
		want  map[string]any
	}{
		{"three by the producer's time", func(*archive.ImageQuery) {}, map[string]any{
			"StreamName": "door", "ImageSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": 1704103200.005, "EndTimestamp": 1704103204.006,
			"SamplingInterval": 2000.0, "Format": "JPEG", "WidthPixels": 640.0, "MaxResults": 3.0,
		}},
		{"one by the server's, in its own size", func(q *archive.ImageQuery) {
			q.Selector, q.Count, q.Interval, q.Width = archive.ByServer, 1, archive.MinImageInterval, 0
		}, map[string]any{
			"StreamName": "door", "ImageSelectorType": "SERVER_TIMESTAMP", "StartTimestamp": 1704103200.005, "EndTimestamp": 1704103200.006,
			"SamplingInterval": 200.0, "Format": "JPEG", "MaxResults": 1.0,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newService()
			s.answers["/getImages"] = func(w http.ResponseWriter, _ request, _ int) { answerImages(w) }
			q := threeImages()
			tc.query(&q)
			if _, err := newArchive(t, config(s), kvs.Options{}).Images(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			r := s.last(t, "/getImages")
			if diff := cmp.Diff(tc.want, r.body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if r.host != dataURL {
				t.Errorf("host: got %s, want the data endpoint %s", r.host, dataURL)
			}
			if got := r.header.Get("Authorization"); !strings.Contains(got, "/eu-west-1/kinesisvideo/aws4_request") {
				t.Errorf("Authorization: got %q, want the scope of kinesisvideo", got)
			}
			if asked := s.last(t, "/getDataEndpoint"); asked.body["APIName"] != "GET_IMAGES" {
				t.Errorf("GetDataEndpoint: got %v", asked.body)
			}
		})
	}
}

func TestImages(t *testing.T) {
	s := newService()
	s.answers["/getImages"] = func(w http.ResponseWriter, r request, _ int) {
		if r.body["NextToken"] == nil {
			_, _ = fmt.Fprintf(w, `{"Images":[%s,{"TimeStamp":1704103202.005,"Error":"NO_MEDIA"}],"NextToken":"more"}`, picture("1704103200.005", "first"))
			return
		}
		answerImages(w, `{"TimeStamp":1704103204.005,"Error":"MEDIA_ERROR"}`, `{"TimeStamp":1704103206.005}`)
	}
	got, err := newArchive(t, config(s), kvs.Options{}).Images(t.Context(), threeImages())
	if err != nil {
		t.Fatal(err)
	}
	at := func(seconds int) time.Time { return start().Add(time.Duration(seconds) * time.Second) }
	want := []archive.Image{
		{At: at(0), JPEG: jpeg("first")}, {At: at(2), Err: archive.ErrNoFootage}, {At: at(4), Err: archive.ErrNoImage}, {At: at(6), Err: archive.ErrNoFootage},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if n := s.count("/getImages"); n != 2 {
		t.Errorf("pages: got %d, want 2", n)
	}
}

func TestImagesRefused(t *testing.T) {
	for _, tc := range []struct {
		kind   string
		status int
		want   error
	}{
		{"InvalidArgumentException", 400, archive.ErrInvalid},
		{"AccessDeniedException", 403, archive.ErrDenied},
		{"NotAuthorizedException", 401, archive.ErrDenied},
		{"ExpiredTokenException", 403, archive.ErrCredentials},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			s := newService()
			s.answers["/getImages"] = func(w http.ResponseWriter, _ request, _ int) { fail(w, tc.status, tc.kind, "the text") }
			_, err := newArchive(t, config(s), kvs.Options{}).Images(t.Context(), threeImages())
			if !errors.Is(err, tc.want) || errors.Is(err, archive.ErrNotListable) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			for _, part := range []string{"kinesisvideo:GetImages", "stream door", "the text"} {
				if err != nil && !strings.Contains(err.Error(), part) {
					t.Errorf("got %q, want it to say %q", err, part)
				}
			}
		})
	}
}

func TestImagesOfNoStream(t *testing.T) {
	s := newService()
	s.answers["/getImages"] = func(w http.ResponseWriter, _ request, _ int) { fail(w, 404, "ResourceNotFoundException", "any text") }
	s.answers["/describeStream"] = func(w http.ResponseWriter, _ request, n int) {
		if n == 1 {
			fail(w, 404, "ResourceNotFoundException", "no stream")
			return
		}
		_, _ = io.WriteString(w, `{"StreamInfo":{"StreamName":"door"}}`)
	}
	a := newArchive(t, config(s), kvs.Options{})
	for _, want := range []error{archive.ErrNoStream, archive.ErrNoFootage} {
		if _, err := a.Images(t.Context(), threeImages()); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// TestImagesTriedAgain: what may be better the next time is asked for again, as with other calls.
func TestImagesTriedAgain(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"throttled":         throttle,
		"the service fails": func(w http.ResponseWriter) { fail(w, 500, "", "sorry") },
		"cut":               func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"Images":[{"TimeStamp":17041`) },
		"a proxy's page":    func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html><title>Bad gateway</title></html>") },
		"the wrong host":    wrongHost,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.answers["/getImages"] = func(w http.ResponseWriter, _ request, n int) {
					if n < 2 {
						answer(w)
						return
					}
					answerImages(w, picture("1704103200.005", "first"))
				}
				a := newArchive(t, config(s), kvs.Options{EndpointLifetime: time.Hour})
				if name == "the wrong host" { // which is believed of an endpoint that was kept
					s.answers["/getImages"] = func(w http.ResponseWriter, _ request, n int) {
						if n == 2 {
							wrongHost(w)
							return
						}
						answerImages(w, picture("1704103200.005", "first"))
					}
					if _, err := a.Images(t.Context(), threeImages()); err != nil {
						t.Fatal(err)
					}
				}
				got, err := a.Images(t.Context(), threeImages())
				if err != nil || len(got) != 1 || !bytes.Equal(got[0].JPEG, jpeg("first")) {
					t.Errorf("got %v, %v, want the image", got, err)
				}
			})
		})
	}
}

// TestImagesOfAWidthAlone: where the service refuses a width without a height, images come in their own size.
func TestImagesOfAWidthAlone(t *testing.T) {
	s := newService()
	s.answers["/getImages"] = func(w http.ResponseWriter, r request, _ int) {
		if r.body["WidthPixels"] != nil {
			fail(w, 400, "ValidationException", "HeightPixels is required")
			return
		}
		answerImages(w, picture("1704103200.005", "first"))
	}
	var log syncBuffer
	a := newArchive(t, config(s), kvs.Options{Logger: logTo(&log)})
	for _, want := range []int{2, 3} { // it is remembered
		if got, err := a.Images(t.Context(), threeImages()); err != nil || len(got) != 1 {
			t.Fatalf("got %v, %v", got, err)
		}
		if n := s.count("/getImages"); n != want {
			t.Errorf("calls: got %d, want %d", n, want)
		}
	}
	if n := strings.Count(log.String(), "stream's own size"); n != 1 {
		t.Errorf("it is said %d times, want once:\n%s", n, log.String())
	}
}

func TestImagesThatCannotBe(t *testing.T) {
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf(`{"TimeStamp":%d,"Error":"NO_MEDIA"}`, 1704103200+i)
	}
	for name, images := range map[string][]string{
		"no time":      {`{"Error":"NO_MEDIA"}`},
		"no JPEG":      {`{"TimeStamp":1704103200,"ImageContent":"aGVsbG8="}`},
		"too many":     many,
		"no base64":    {`{"TimeStamp":1704103200,"ImageContent":"!"}`},
		"no such time": {`{"TimeStamp":1e300,"Error":"NO_MEDIA"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.answers["/getImages"] = func(w http.ResponseWriter, _ request, _ int) { answerImages(w, images...) }
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				got, err := newArchive(t, config(s), kvs.Options{}).Images(ctx, threeImages())
				if !errors.Is(err, archive.ErrUnreachable) {
					t.Errorf("got %v, %v, want an ErrUnreachable", got, err)
				}
			})
		})
	}
}

// TestImagesThatCostNoCall: what the service does not take is not asked for.
func TestImagesThatCostNoCall(t *testing.T) {
	for name, change := range map[string]func(*archive.ImageQuery){
		"none":          func(q *archive.ImageQuery) { q.Count = 0 },
		"too many":      func(q *archive.ImageQuery) { q.Count = archive.MaxImages + 1 },
		"too close":     func(q *archive.ImageQuery) { q.Interval = archive.MinImageInterval - 1 },
		"too far apart": func(q *archive.ImageQuery) { q.Interval = archive.MaxImageInterval + 1 },
		"too long":      func(q *archive.ImageQuery) { q.Count, q.Interval = 16, 20*time.Second },
		"too wide":      func(q *archive.ImageQuery) { q.Width = archive.MaxImageWidth + 1 },
		"narrower":      func(q *archive.ImageQuery) { q.Width = -1 },
	} {
		s := newService()
		q := threeImages()
		change(&q)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := newArchive(t, config(s), kvs.Options{}).Images(ctx, q); !errors.Is(err, archive.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
		if n := s.count("/getImages"); n != 0 {
			t.Errorf("%s: %d calls", name, n)
		}
	}
}

// TestImagesCost: a call takes a point of media an image, and of metadata 400 more; a refusal does not slow GetClip.
func TestImagesCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.answers["/getImages"] = func(w http.ResponseWriter, _ request, n int) {
			if n == 1 {
				throttle(w)
				return
			}
			answerImages(w)
		}
		a := newArchive(t, config(s), kvs.Options{})
		refused := 0
		q := threeImages()
		q.Refused = func() { refused++ }
		if _, err := a.Images(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		if refused != 1 {
			t.Errorf("told of %d refusals, want 1", refused)
		}
		left := func(name string) quota.Left {
			i := slices.IndexFunc(a.Quotas(), func(l quota.Left) bool { return l.Name == name })
			if i < 0 {
				t.Fatalf("no quota %s in %v", name, a.Quotas())
			}
			return a.Quotas()[i]
		}
		media, metadata := left(quota.Media.String()), left(quota.Metadata.String())
		if media.Rate != media.Limit || media.Left < media.Burst-2*3 {
			t.Errorf("media: got %+v, want it as it was but for two attempts of three points", media)
		}
		if metadata.Rate >= metadata.Limit {
			t.Errorf("metadata: got %+v, want it slowed", metadata)
		}
	})
}
