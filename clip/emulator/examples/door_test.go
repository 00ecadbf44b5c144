//go:build examples

// Package examples shows how other projects test against the emulator: go test -tags examples, with clipfs in the PATH.
package examples

import (
	"testing"
	"time"

	"clipfs/clip/emulator/control"
	"clipfs/clip/emulator/producer"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
)

func TestDoor(t *testing.T) {
	ctx := t.Context()
	emulator, err := control.Start(ctx, control.Command{Args: []string{"--stream", "door=testcard"}})
	if err != nil {
		t.Fatal(err)
	}
	defer emulator.Close()
	client := kinesisvideo.New(kinesisvideo.Options{
		BaseEndpoint: aws.String(emulator.Endpoint), Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})

	t.Run("it comes through a failure of the service", func(t *testing.T) {
		if _, err := emulator.AddFaults(ctx, "kind=status,api=DescribeStream,status=503,count=1"); err != nil {
			t.Fatal(err)
		}
		if _, err := client.DescribeStream(ctx, &kinesisvideo.DescribeStreamInput{StreamName: aws.String("door")}); err != nil {
			t.Fatal(err)
		}
		calls, err := emulator.Calls(ctx)
		if err != nil || len(calls) != 1 || calls[0].Calls != 2 || calls[0].Errors != 1 {
			t.Errorf("%+v, %v", calls, err)
		}
	})

	t.Run("a day later", func(t *testing.T) {
		if err := emulator.Reset(ctx); err != nil {
			t.Fatal(err)
		}
		begin := time.Date(2031, 1, 1, 10, 0, 0, 0, time.UTC)
		if err := emulator.SetClock(ctx, begin.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if err := producer.CreateStream(ctx, emulator.Endpoint, "yard", 24, producer.Options{}); err != nil {
			t.Fatal(err)
		}
		if _, err := producer.PutTestCard(ctx, emulator.Endpoint, "yard", begin, begin.Add(10*time.Second), producer.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := emulator.Advance(ctx, 24*time.Hour); err != nil { // what was recorded is no longer retained
			t.Fatal(err)
		}
		described, err := client.DescribeStream(ctx, &kinesisvideo.DescribeStreamInput{StreamName: aws.String("yard")})
		if err != nil || described.StreamInfo.CreationTime.Before(begin) {
			t.Errorf("%+v, %v", described, err)
		}
	})
}
