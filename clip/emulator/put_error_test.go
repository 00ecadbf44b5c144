package emulator_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	camera "clipfs/clip/emulator/producer"
)

// repeat is a reader of the same bytes again and again.
type repeat struct {
	bytes []byte
	left  []byte
	read  int64
}

func (r *repeat) Read(b []byte) (int, error) {
	if len(r.left) == 0 {
		r.left = r.bytes
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	r.read += int64(n)
	return n, nil
}

func TestPutMediaErrors(t *testing.T) {
	key := frame{1, 0, true}
	begin := func() []byte { return newMatroska().cluster(1000, key) }
	next := func(timecode uint64, frames ...frame) []byte { return new(matroska).cluster(timecode, frames...) }
	two := newMatroska(1, 2)
	var many []string
	for i := range 11 {
		many = append(many, fmt.Sprint("name", i), "value")
	}
	big := element(0xa3, key.block(), make([]byte, 1<<20))
	tests := []struct {
		name  string
		media io.Reader
		id    int
		code  string
		// kept is how many fragments were persisted before, and numbered that the error is of a fragment.
		kept     int
		numbered bool
	}{
		{"a cluster of unknown size that does not end", io.MultiReader(bytes.NewReader(begin()), &repeat{bytes: big}), 4001, "MAX_FRAGMENT_SIZE_REACHED", 0, true},
		{"a cluster of known size", bytes.NewReader(slices.Concat(newMatroska().header, []byte{0x1f, 0x43, 0xb6, 0x75, 0x01, 0, 0, 0, 0x10, 0, 0, 0})), 4001, "MAX_FRAGMENT_SIZE_REACHED", 0, false},
		{"an element that says it is large", bytes.NewReader(slices.Concat(begin(), []byte{0xa3, 0x01, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})), 4001, "MAX_FRAGMENT_SIZE_REACHED", 0, true},
		{"longer than 20 s", bytes.NewReader(newMatroska().cluster(0, key, frame{1, 20_001, false})), 4002, "MAX_FRAGMENT_DURATION_REACHED", 0, true},
		{"timecode goes back", bytes.NewReader(slices.Concat(begin(), next(999, key))), 4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS", 1, true},
		{"timecode goes back to zero", bytes.NewReader(slices.Concat(begin(), next(0, key))), 4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS", 1, true},
		{"a frame that is not later", bytes.NewReader(slices.Concat(newMatroska().cluster(0, key, frame{1, 2000, false}), next(2000, key))), 4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS", 1, true},
		{"no Matroska", strings.NewReader("this is not what it should be"), 4006, "INVALID_MKV_DATA", 0, false},
		{"a header only", bytes.NewReader(newMatroska().header), 4006, "INVALID_MKV_DATA", 0, false},
		{"cut within an element", bytes.NewReader(begin()[:len(begin())-3]), 4006, "INVALID_MKV_DATA", 0, true},
		{"a second segment", bytes.NewReader(slices.Concat(begin(), begin())), 4006, "INVALID_MKV_DATA", 1, false},
		{"tracks after the first cluster", bytes.NewReader(slices.Concat(begin(), element(0x1654ae6b, track(1)))), 4006, "INVALID_MKV_DATA", 1, false},
		{"no tracks", bytes.NewReader(slices.Concat(element(0x1a45dfa3), endless(0x18538067), next(0, key))), 4006, "INVALID_MKV_DATA", 0, false},
		{"a cluster without a timecode", bytes.NewReader(slices.Concat(newMatroska().header, endless(0x1f43b675), element(0xa3, key.block()))), 4006, "INVALID_MKV_DATA", 0, false},
		{"a time after all times", bytes.NewReader(newMatroska().cluster(1<<62, key)), 4007, "INVALID_PRODUCER_TIMESTAMP", 0, false},
		{"11 tags", bytes.NewReader(slices.Concat(begin(), tags(many...))), 4009, "FRAGMENT_METADATA_LIMIT_REACHED", 0, true},
		{"a long tag", bytes.NewReader(slices.Concat(begin(), tags("name", strings.Repeat("x", 257)))), 4009, "FRAGMENT_METADATA_LIMIT_REACHED", 0, true},
		{"a frame of no track", bytes.NewReader(newMatroska().cluster(0, key, frame{2, 0, true})), 4010, "TRACK_NUMBER_MISMATCH", 0, true},
		{"no frame of a track", bytes.NewReader(two.cluster(0, key)), 4011, "FRAMES_MISSING_FOR_TRACK", 0, true},
		{"four tracks", bytes.NewReader(newMatroska(1, 2, 3, 4).cluster(0, key)), 4012, "MORE_THAN_ALLOWED_TRACKS_FOUND", 0, false},
	}
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		for i, tt := range tests {
			name := fmt.Sprint("s", i)
			c.create(name, 24)
			acks, err := c.put(name, tt.media, camera.Options{})
			var refused *camera.MediaError
			if !errors.As(err, &refused) || refused.Ack.ErrorID != tt.id || refused.Ack.ErrorCode != tt.code {
				t.Errorf("%s: %v, want %d %s", tt.name, err, tt.id, tt.code)
			} else if a := refused.Ack; (len(a.FragmentNumber) == 47 && a.FragmentTimecode >= 0) != tt.numbered || !tt.numbered && (a.FragmentTimecode != -1 || a.FragmentNumber != "") {
				t.Errorf("%s: of fragment %q at %d", tt.name, a.FragmentNumber, a.FragmentTimecode)
			}
			if n := len(camera.Numbers(acks)); n != tt.kept || n != len(c.list(name, producer, time.Unix(0, 0), time.Now())) {
				t.Errorf("%s: %d fragments persisted, want %d", tt.name, n, tt.kept)
			}
			// The connection is free again, and another producer is taken in.
			if acks, err := c.put(name, bytes.NewReader(begin()), camera.Options{}); err != nil || len(camera.Numbers(acks)) != 1 {
				t.Errorf("%s: after it %v %+v", tt.name, err, acks)
			}
		}
	})
}

// What looks odd and is no error.
func TestPutMediaAccepts(t *testing.T) {
	key := frame{1, 0, true}
	next := func(timecode uint64, frames ...frame) []byte { return new(matroska).cluster(timecode, frames...) }
	begin := newMatroska().cluster(1000, key)
	tests := []struct {
		name  string
		media []byte
		want  int
	}{
		{"nothing", nil, 0},
		{"ten tags of the longest kind", slices.Concat(begin, tags(slices.Repeat([]string{strings.Repeat("n", 128), strings.Repeat("v", 256)}, 10)...), next(3000, key)), 2},
		{"fragments of one frame, which are shorter than a second", slices.Concat(begin, next(1001, key), next(1002, key)), 3},
		{"ten tags and the end of the fragment", slices.Concat(begin, tags(append(slices.Repeat([]string{"n", "v"}, 10), footage.EndOfFragment, "")...)), 1},
		{"the end of a fragment twice", slices.Concat(begin, tags(footage.EndOfFragment, ""), tags(footage.EndOfFragment, ""), next(3000, key)), 2},
		{"20 s", newMatroska().cluster(0, key, frame{1, 20_000, false}), 1},
		{"a block group", slices.Concat(newMatroska().header, endless(0x1f43b675), element(0xe7, number(5)), element(0xa0, element(0xa1, key.block()))), 1},
		{"void, cues and a checksum", slices.Concat(begin, element(0xec, make([]byte, 99)), element(0x1c53bb6b), next(4000, key)), 2},
	}
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		for i, tt := range tests {
			name := fmt.Sprint("s", i)
			c.create(name, 24)
			acks, err := c.put(name, bytes.NewReader(tt.media), camera.Options{Timecodes: camera.Relative, Start: time.Now()})
			if n := len(camera.Numbers(acks)); n != tt.want || err != nil {
				t.Errorf("%s: %d fragments, want %d: %v", tt.name, n, tt.want, err)
			}
		}
	})
}

func TestPutMediaIntoDeletedStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		c.create("a", 24)
		var info struct{ StreamInfo struct{ StreamARN string } }
		c.control("/describeStream", object{"StreamName": "a"}).into(t, &info)
		m := newMatroska()
		first := m.cluster(0, frame{1, 0, true})
		m.header = nil
		media := bytes.NewReader(slices.Concat(first, m.cluster(2000, frame{1, 0, true})))
		deleted := false
		_, err := c.put("a", media, camera.Options{OnAck: func(a camera.Ack) {
			if a.EventType == camera.Buffering && !deleted {
				deleted = true
				c.control("/deleteStream", object{"StreamARN": info.StreamInfo.StreamARN}).into(t, new(object))
			}
		}})
		var refused *camera.MediaError
		if !errors.As(err, &refused) || refused.Ack.ErrorID != 4008 {
			t.Errorf("got %v", err)
		}
	})
}

// A body whose chunks are broken can still be told of: the connection is there.
func TestPutMediaUnreadable(t *testing.T) {
	c := startLoopback(t, emulator.Options{})
	c.create("a", 24)
	data := c.endpoint("a", "PUT_MEDIA")
	req := c.putRequest(data, map[string]string{"x-amzn-stream-name": "a", "x-amzn-fragment-timecode-type": "ABSOLUTE"})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", req.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "POST /putMedia HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n", req.URL.Host)
	if err := req.Header.Write(&head); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "%s\r\nno chunk\r\n", head.Bytes()); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if !strings.Contains(string(answer), `"ErrorCode":"STREAM_READ_ERROR","ErrorId":4000`) {
		t.Errorf("answer %q, %v", answer, err)
	}
}

// putRequest makes a signed PutMedia request without a body.
func (c *client) putRequest(data string, headers map[string]string) *http.Request {
	c.t.Helper()
	req := c.request(data, "/putMedia", nil)
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	return req
}

func TestPutMediaRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		c.create("a", 24)
		data := c.endpoint("a", "PUT_MEDIA")
		var info struct{ StreamInfo struct{ StreamARN string } }
		c.control("/describeStream", object{"StreamName": "a"}).into(t, &info)
		const badArg = "InvalidArgumentException"
		const kind, stream, arn, begin = "x-amzn-fragment-timecode-type", "x-amzn-stream-name", "x-amzn-stream-arn", "x-amzn-producer-start-timestamp"
		tests := []struct {
			headers map[string]string
			status  int
			err     string
		}{
			{map[string]string{stream: "a", kind: "ABSOLUTE"}, 200, ""},
			{map[string]string{arn: info.StreamInfo.StreamARN, kind: "ABSOLUTE"}, 200, ""},
			{map[string]string{stream: "a", kind: "RELATIVE", begin: "1700000000.5"}, 200, ""},
			{map[string]string{stream: "a", kind: "RELATIVE", begin: "1700000000.005"}, 200, ""},
			{map[string]string{stream: "a", kind: "RELATIVE", begin: "1.7E9"}, 200, ""},
			{map[string]string{stream: "a", kind: "ABSOLUTE", "x-amzn-fragment-acknowledgment-required": "0"}, 200, ""},
			{map[string]string{stream: "a", arn: info.StreamInfo.StreamARN, kind: "ABSOLUTE"}, 400, badArg},
			{map[string]string{kind: "ABSOLUTE"}, 400, badArg},
			{map[string]string{stream: "a"}, 400, badArg},
			{map[string]string{stream: "a", kind: "absolute"}, 400, badArg},
			{map[string]string{stream: "a", kind: "RELATIVE"}, 400, badArg},
			{map[string]string{stream: "a", kind: "RELATIVE", begin: "-1"}, 400, badArg},
			{map[string]string{stream: "a", kind: "RELATIVE", begin: "inf"}, 400, badArg},
			{map[string]string{stream: "a", kind: "RELATIVE", begin: "1e99"}, 400, badArg},
			{map[string]string{stream: "a", kind: "RELATIVE", begin: "2024-01-01T00:00:00Z"}, 400, badArg},
			{map[string]string{stream: "a", kind: "ABSOLUTE", "x-amzn-fragment-acknowledgment-required": "yes"}, 400, badArg},
			{map[string]string{stream: "b", kind: "ABSOLUTE"}, 404, "ResourceNotFoundException"},
			{map[string]string{stream: "a b", kind: "ABSOLUTE"}, 400, badArg},
		}
		for _, tt := range tests {
			r := c.do(c.putRequest(data, tt.headers))
			got, _, _ := strings.Cut(r.header.Get("x-amzn-ErrorType"), ":")
			if r.status != tt.status || got != tt.err {
				t.Errorf("%v: %d %s %s, want %d %s", tt.headers, r.status, got, r.body, tt.status, tt.err)
			}
		}
		req := c.putRequest(data, map[string]string{stream: "a", kind: "ABSOLUTE"})
		req.Header.Del("Authorization")
		c.do(req).wantError(t, 403, "MissingAuthenticationTokenException", "")
		c.call(c.server.Endpoint(), "/putMedia", "").wantXML(t)
	})
}

// wantXML checks the answer of a host that does not have the operation.
func (r response) wantXML(t *testing.T) {
	t.Helper()
	if r.status != 403 || !bytes.Contains(r.body, []byte("Unable to determine service/operation name")) {
		t.Errorf("got %d %s", r.status, r.body)
	}
}

// A producer that is refused before its body was looked at gets the answer, however much it still wants to send.
func TestPutMediaRefusedWhileSending(t *testing.T) {
	c := startLoopback(t, emulator.Options{})
	c.create("a", 24)
	media := &repeat{bytes: make([]byte, 1<<20)}
	data := c.endpoint("a", "PUT_MEDIA")
	req := c.putRequest(data, map[string]string{"x-amzn-stream-name": "b", "x-amzn-fragment-timecode-type": "ABSOLUTE"})
	req.Body, req.ContentLength = io.NopCloser(media), -1
	c.do(req).wantError(t, 404, "ResourceNotFoundException", "")
}
