package emulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
)

// until calls f until it is throttled and gives how many times it was not.
func until(t *testing.T, f func() response) int {
	t.Helper()
	for n := range 10_000 {
		if r := f(); r.status != 200 {
			r.wantError(t, 400, "ClientLimitExceededException", "")
			return n
		}
	}
	t.Fatal("never throttled")
	return 0
}

func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := every(100, time.Now().Add(-time.Hour), 2*time.Second)
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: src}, {Name: "b", Source: src}}})
		data := c.endpoint("b", "LIST_FRAGMENTS")
		list := func(stream string, n int) func() response {
			return func() response {
				return c.call(data, "/listFragments", listing(stream, n))
			}
		}
		describe := func(stream string) func() response {
			return func() response { return c.control("/describeStream", object{"StreamName": stream}) }
		}
		endpoint := func(stream string) func() response {
			return func() response {
				return c.control("/getDataEndpoint", object{"StreamName": stream, "APIName": "GET_CLIP"})
			}
		}
		streams := func() response { return c.control("/listStreams", object{}) }
		// Nothing here takes time, so that all calls of a round fall into one instant.
		tests := []struct {
			name string
			call func() response
			want int
		}{
			{"ListFragments costs its MaxResults", list("a", 1000), 10},
			{"ListFragments of another stream", list("b", 1), 10_000 - 1},
			{"DescribeStream", describe("a"), 5},
			{"DescribeStream of another stream", describe("b"), 5},
			{"GetDataEndpoint", endpoint("a"), 5},
			{"ListStreams", streams, 50},
		}
		tests[1].call, tests[1].want = list("b", 100), 100
		for _, tt := range tests {
			if n := until(t, tt.call); n != tt.want {
				t.Errorf("%s: %d calls, want %d", tt.name, n, tt.want)
			}
		}
		// A tenth of a second refills a tenth.
		time.Sleep(200 * time.Millisecond)
		for _, tt := range tests {
			if n := until(t, tt.call); n != tt.want/5 {
				t.Errorf("%s: %d calls after a fifth of a second, want %d", tt.name, n, tt.want/5)
			}
		}
	})
}

func TestNoQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a"}}})
		for range 100 {
			c.describe(object{"StreamName": "a"})
		}
	})
}

// TestThrottleText: the text names the operation and what it was asked of.
func TestThrottleText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a"}}})
		for _, tt := range []struct {
			path string
			in   object
			want string
		}{
			{"/getDataEndpoint", object{"StreamName": "a", "APIName": "PUT_MEDIA"}, "Limit exceeded on number of requests for GetDataEndpoint API for resource 'a'"},
			{"/listStreams", object{}, "Limit exceeded on number of requests for ListStreams API for resource '000000000000'"},
		} {
			r := c.control(tt.path, tt.in)
			for range 100 {
				r = c.control(tt.path, tt.in)
			}
			r.wantError(t, 400, "ClientLimitExceededException", tt.want)
		}
	})
}
