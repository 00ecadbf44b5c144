package fault_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator/fault"
)

// late is a client to which each write takes a while.
type late struct {
	*httptest.ResponseRecorder
	takes time.Duration
}

func (l late) Write(b []byte) (int, error) {
	time.Sleep(l.takes) // in a bubble
	return l.ResponseRecorder.Write(b)
}

// TestDripKeepsItsRate: a body drips at its rate, also where each drop goes out late.
func TestDripKeepsItsRate(t *testing.T) {
	for _, takes := range []time.Duration{0, 100 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			rule, err := fault.Parse("kind=drip,api=GetClip,at=50%,rate=1000")
			if err != nil {
				t.Fatal(err)
			}
			client := late{httptest.NewRecorder(), takes}
			var to http.ResponseWriter = client
			body := make([]byte, 20_000)
			begun := time.Now()
			if n, err := fault.NewWriter(t.Context(), to, rule, nil, int64(len(body))).Write(body); n != len(body) || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			// The first half takes one write, and the last drop another one.
			if took := time.Since(begun); took < 10*time.Second || took > 10*time.Second+2*takes {
				t.Errorf("half of it took %s where a write takes %s, want 10 s", took, takes)
			}
			if got := client.Body.Len(); got != len(body) {
				t.Errorf("%d bytes came", got)
			}
		})
	}
}
