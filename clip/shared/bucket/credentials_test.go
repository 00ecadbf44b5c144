package bucket_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/gateway"
)

// TestSlowCredentials: where credentials are about to expire and the host's role gives no others for a while, they are looked for once, no look waits
// for that, and the breaker stays closed.
func TestSlowCredentials(t *testing.T) {
	environment(t, "")
	var asked atomic.Int32
	answers := make(chan struct{})
	role := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) > 1 {
			<-answers
		}
		expires := time.Now().Add(4 * time.Minute).UTC().Format(time.RFC3339)
		_, _ = fmt.Fprintf(w, `{"AccessKeyId":%q,"SecretAccessKey":%q,"Expiration":%q}`, gateway.AccessKey, gateway.SecretKey, expires)
	}))
	t.Cleanup(role.Close)
	t.Cleanup(func() { close(answers) })
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", role.URL)
	g := gateway.Start(t)
	const timeout = 10 * time.Second // which no request takes on a busy machine
	host := shared.Open(open(t, g, "s3://"+gateway.Name), shared.Options{Prefix: "p", Timeout: timeout})
	t.Cleanup(host.Close)
	begun := time.Now()
	for looks := 1; looks <= 10 || asked.Load() < 2; looks++ {
		if got, err := take(t, host, idOf(hostKey)); got != nil || err != nil {
			t.Fatalf("%d bytes are there, %v", len(got), err)
		}
		if s := host.Stats(); s.Misses != int64(looks) || s.Cycles != 0 {
			t.Fatalf("after %d looks: %+v", looks, s)
		}
		if time.Since(begun) > timeout {
			t.Fatalf("%d looks took %s, and credentials were asked for %d times", looks, time.Since(begun), asked.Load())
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("credentials were asked for %d times, want 2", n)
	}
}
