package emulator_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator"
	camera "clipfs/clip/emulator/producer"
)

// Whatever a body holds, the producer gets acknowledgements or an error that is in the reference, and what was taken in
// can be listed and asked for as a clip.
func FuzzPutMediaBody(f *testing.F) {
	key := frame{1, 0, true}
	f.Add(newMatroska().cluster(1000, key))
	f.Add(slices.Concat(newMatroska(1, 2).cluster(1000, key, frame{2, 5, true}), tags("a", "b"), new(matroska).cluster(3000, key)))
	var card bytes.Buffer
	if err := camera.WriteTestCard(&card, time.Unix(0, 0), time.Unix(4, 0)); err != nil {
		f.Fatal(err)
	}
	f.Add(card.Bytes()[:8000])
	f.Fuzz(func(t *testing.T, body []byte) {
		c := startLoopback(t, emulator.Options{NoQuota: true})
		c.create("a", 24)
		acks, err := c.put("a", bytes.NewReader(body), camera.Options{})
		var refused *camera.MediaError
		if err != nil && (!errors.As(err, &refused) || refused.Ack.ErrorID < 4001 || refused.Ack.ErrorID > 4012) {
			t.Fatalf("%v", err)
		}
		end := time.Unix(253402300799, 0)
		if n := len(c.list("a", producer, time.Unix(0, 0), end)); n != len(camera.Numbers(acks)) {
			t.Errorf("%d listed, %d persisted", n, len(camera.Numbers(acks)))
		}
		now := time.Now()
		if r := c.clip(c.endpoint("a", "GET_CLIP"), "a", producer, time.Unix(0, 0), time.Unix(3600, 0)); r.status >= 500 {
			t.Errorf("clip: %d %s after %s", r.status, r.body, time.Since(now))
		}
	})
}

// Whatever headers say, the answer is one of those that the reference has.
func FuzzPutMediaHeaders(f *testing.F) {
	f.Add("a", "", "ABSOLUTE", "", "1")
	f.Add("", "arn:aws:kinesisvideo:us-east-1:000000000000:stream/a/1", "RELATIVE", "1700000000.5", "0")
	f.Fuzz(func(t *testing.T, name, arn, kind, begin, ack string) {
		for _, v := range []string{name, arn, kind, begin, ack} {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Skip("no header")
			}
		}
		c := startLoopback(t, emulator.Options{NoQuota: true})
		c.create("a", 24)
		r := c.do(c.putRequest(c.endpoint("a", "PUT_MEDIA"), map[string]string{"x-amzn-stream-name": name, "x-amzn-stream-arn": arn,
			"x-amzn-fragment-timecode-type": kind, "x-amzn-producer-start-timestamp": begin, "x-amzn-fragment-acknowledgment-required": ack}))
		if r.status != 200 && r.status != 400 && r.status != 404 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}
