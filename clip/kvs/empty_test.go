package kvs_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// TestEmptySpans: calls without a listing are paced by what they are likely to bring; those that bring nothing give their points
// back and cost no DescribeStream.
func TestEmptySpans(t *testing.T) {
	const calls, likely = 500, 30
	for _, empty := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := newService()
			s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) {
				if empty {
					fail(w, 404, "ResourceNotFoundException", "No fragments found in the stream for the clip request.")
					return
				}
				clipBody(w, "media")
			}
			a := newArchive(t, config(s), kvs.Options{})
			begun := time.Now()
			for i := range calls {
				span := archive.NewSpan(start().Add(time.Duration(i)*time.Minute), time.Minute)
				p, err := a.Payload(t.Context(), archive.PayloadQuery{Stream: "door", Span: span, Likely: likely})
				if errors.Is(err, archive.ErrNoFootage) != empty {
					t.Fatal(err)
				}
				if p != nil {
					_ = p.Body.Close()
				}
			}
			least, most := time.Duration(0), time.Second
			if !empty {
				least, most = 29*time.Second, 31*time.Second // 15,000 points at 500 a second, a second's at once
			}
			if took := time.Since(begun).Round(time.Second); took < least || took > most {
				t.Errorf("empty %t: %d calls took %s, want %s to %s", empty, calls, took, least, most)
			}
			if n := s.count("/describeStream"); n != 0 {
				t.Errorf("empty %t: %d DescribeStream", empty, n)
			}
		})
	}
}
