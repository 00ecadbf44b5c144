//go:build e2e

package e2e_test

import (
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/producer"
	"clipfs/cmd/internal/harness"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
)

// controlOf is the SDK's own client.
func controlOf(e *harness.Emulator) *kinesisvideo.Client {
	return kinesisvideo.New(kinesisvideo.Options{
		BaseEndpoint: aws.String(e.Endpoint), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test-secret", ""),
	})
}

// createStreams makes streams with the SDK's own client.
func createStreams(t *testing.T, e *harness.Emulator, hours int32, names ...string) {
	t.Helper()
	client := controlOf(e)
	for _, name := range names {
		in := &kinesisvideo.CreateStreamInput{StreamName: aws.String(name), DataRetentionInHours: aws.Int32(hours)}
		if _, err := client.CreateStream(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

// put sends the test card of a span of time to a stream, as a camera does that sends what it recorded then.
func put(t *testing.T, e *harness.Emulator, stream string, from time.Time, length time.Duration) {
	t.Helper()
	acks, err := producer.PutTestCard(t.Context(), e.Endpoint, stream, from, from.Add(length), producer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(producer.Numbers(acks)), int(length/(2*time.Second)); got != want {
		t.Fatalf("%d fragments persisted, want %d", got, want)
	}
}

// recorded gives the fragments of the test card of a span, as put sends them.
func recorded(t *testing.T, from time.Time, length time.Duration) []footage.Fragment {
	t.Helper()
	return stored(t, "testcard=testcard", from, from.Add(length))
}
