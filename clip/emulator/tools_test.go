//go:build e2e

package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"

	"github.com/google/go-cmp/cmp"
)

// tool finds a program. Without it the test is skipped, or fails where nothing may be skipped.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CLIPFS_REQUIRE_ALL") == "1" {
		t.Fatalf("%s is missing", name)
	}
	t.Skipf("%s is missing", name)
	return ""
}

// The tools' environment: nothing of the user's, and the key that the server checks signatures with.
func toolEnv(t *testing.T, c *client) []string {
	return []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + c.credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.credentials.SecretAccessKey,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "ENDPOINT=" + c.server.Endpoint()}
}

// runTool runs a program and gives what it prints.
func runTool(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), args, err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// checked starts a server that verifies signatures, with ten more streams than a page has.
func checked(t *testing.T) *client { return startLoopback(t, checkedOptions(t)) }

// checkedOptions are those of checked.
func checkedOptions(t *testing.T) emulator.Options {
	streams := []emulator.Stream{{Name: "card", Source: card(t)}}
	for i := range 11 {
		streams = append(streams, emulator.Stream{Name: wire.StreamName(fmt.Sprintf("empty-%d", i))})
	}
	return emulator.Options{Streams: streams, Credentials: wire.Credentials{Key: "AKTEST", Secret: "secret"}}
}

func TestCommandLine(t *testing.T) {
	aws := tool(t, "/usr/bin/aws")
	c := checked(t)
	env := toolEnv(t, c)
	text := func(args ...string) string { return runTool(t, env, aws, append(args, "--output", "text")...) }

	names := strings.Fields(text("kinesisvideo", "list-streams", "--endpoint-url", c.server.Endpoint(), "--query", "StreamInfoList[].StreamName"))
	if len(names) != 12 || !slices.Contains(names, "card") {
		t.Errorf("streams %v", names)
	}
	endpoint := func(api string) string {
		return text("kinesisvideo", "get-data-endpoint", "--endpoint-url", c.server.Endpoint(), "--stream-name", "card", "--api-name", api)
	}
	now := time.Now().UTC().Truncate(2 * time.Second)
	span := fmt.Sprintf("FragmentSelectorType=PRODUCER_TIMESTAMP,TimestampRange={StartTimestamp=%d,EndTimestamp=%s}",
		now.Add(-time.Minute).Unix(), now.Add(-31*time.Second).Format(time.RFC3339))

	numbers := strings.Fields(text("kinesis-video-archived-media", "list-fragments", "--endpoint-url", endpoint("LIST_FRAGMENTS"),
		"--stream-name", "card", "--fragment-selector", span, "--page-size", "4", "--query", "Fragments[].FragmentNumber"))
	slices.Sort(numbers)
	if n := len(slices.Compact(numbers)); n != 15 {
		t.Errorf("%d fragments, want 15", n)
	}

	file := filepath.Join(t.TempDir(), "clip.mp4")
	kind := text("kinesis-video-archived-media", "get-clip", "--endpoint-url", endpoint("GET_CLIP"), "--stream-name", "card",
		"--clip-fragment-selector", span, file)
	if kind != "video/mp4" {
		t.Errorf("content type %q", kind)
	}
	clip, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := probe(t, clip, "-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets")
	if want := fmt.Sprint(15 * 50); got != want {
		t.Errorf("%s frames, want %s", got, want)
	}
}

// botoScript does what an application does, and prints what it saw.
const botoScript = `
import boto3, botocore, datetime, json, os, sys
endpoint = os.environ["ENDPOINT"]
kv = boto3.client("kinesisvideo", endpoint_url=endpoint)
out = {}
out["streams"] = len([s for p in kv.get_paginator("list_streams").paginate() for s in p["StreamInfoList"]])
kv.create_stream(StreamName="mine", DataRetentionInHours=2, MediaType="video/h264", Tags={"a": "b"})
info = kv.describe_stream(StreamName="mine")["StreamInfo"]
out["status"] = info["Status"]
kv.update_data_retention(StreamARN=info["StreamARN"], CurrentVersion=info["Version"],
    Operation="INCREASE_DATA_RETENTION", DataRetentionChangeInHours=3)
out["hours"] = kv.describe_stream(StreamARN=info["StreamARN"])["StreamInfo"]["DataRetentionInHours"]
out["age"] = abs((datetime.datetime.now(datetime.timezone.utc) - info["CreationTime"]).total_seconds()) < 600
out["tags"] = kv.list_tags_for_stream(StreamName="mine")["Tags"]
out["prefixed"] = [s["StreamName"] for s in kv.list_streams(
    StreamNameCondition={"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "mi"})["StreamInfoList"]]

def media(stream, api):
    url = kv.get_data_endpoint(StreamName=stream, APIName=api)["DataEndpoint"]
    return boto3.client("kinesis-video-archived-media", endpoint_url=url)

now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
now -= datetime.timedelta(seconds=now.second % 2)
span = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": {
    "StartTimestamp": now - datetime.timedelta(seconds=60), "EndTimestamp": now - datetime.timedelta(seconds=31)}}
pages = media("card", "LIST_FRAGMENTS").get_paginator("list_fragments").paginate(
    StreamName="card", FragmentSelector=span, PaginationConfig={"PageSize": 4})
frags = [f for p in pages for f in p["Fragments"]]
out["fragments"] = len({f["FragmentNumber"] for f in frags})
out["first"] = (min(f["ProducerTimestamp"] for f in frags) - now).total_seconds()
out["lengths"] = sorted({f["FragmentLengthInMilliseconds"] for f in frags})
clip = media("card", "GET_CLIP").get_clip(StreamName="card", ClipFragmentSelector=span)
out["type"] = clip["ContentType"]
open(sys.argv[1], "wb").write(clip["Payload"].read())

def error(call, **args):
    try:
        call(**args)
    except botocore.exceptions.ClientError as e:
        return [e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"], type(e).__name__]
out["errors"] = [
    error(kv.describe_stream, StreamName="none"),
    error(kv.create_stream, StreamName="mine"),
    error(media("card", "GET_CLIP").get_clip, StreamName="mine", ClipFragmentSelector=span),
    error(media("card", "GET_CLIP").get_clip, StreamName="card", ClipFragmentSelector={
        "FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": {"StartTimestamp": now, "EndTimestamp": now}}),
    error(boto3.client("kinesis-video-archived-media", endpoint_url=endpoint).get_clip, StreamName="card", ClipFragmentSelector=span)[:1],
    error(boto3.client("kinesisvideo", endpoint_url=endpoint, aws_secret_access_key="wrong", aws_access_key_id="AKTEST").list_streams),
]
kv.delete_stream(StreamARN=info["StreamARN"])
out["deleted"] = error(kv.describe_stream, StreamName="mine")[1]
print(json.dumps(out))
`

func TestBoto3(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		c := checked(t)
		checkBoto3(t, c, toolEnv(t, c))
	})
	t.Run("encrypted", func(t *testing.T) {
		c, trusted := startEncrypted(t, checkedOptions(t))
		bundle := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(bundle, trusted, 0o600); err != nil {
			t.Fatal(err)
		}
		checkBoto3(t, c, append(toolEnv(t, c), "AWS_CA_BUNDLE="+bundle))
	})
}

// checkBoto3 runs the script of an application against a server.
func checkBoto3(t *testing.T, c *client, env []string) {
	python := tool(t, "/usr/bin/python3")
	file := filepath.Join(t.TempDir(), "clip.mp4")
	var got any
	if err := json.Unmarshal([]byte(runTool(t, env, python, "-c", botoScript, file)), &got); err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal([]byte(`{"streams": 12, "status": "ACTIVE", "hours": 5, "age": true, "tags": {"a": "b"}, "prefixed": ["mine"],
		"fragments": 15, "first": -60, "lengths": [1960], "type": "video/mp4", "deleted": "ResourceNotFoundException", "errors": [
		[404, "ResourceNotFoundException", "ResourceNotFoundException"],
		[400, "ResourceInUseException", "ResourceInUseException"],
		[404, "ResourceNotFoundException", "ResourceNotFoundException"],
		[400, "InvalidArgumentException", "InvalidArgumentException"],
		[403],
		[403, "InvalidSignatureException", "ClientError"]]}`), &want); err != nil {
		t.Fatal(err)
	}
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("got\n%s, want\n%s", g, w)
	}
	clip, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	packets := probe(t, clip, "-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets")
	if want := fmt.Sprint(15 * 50); packets != want {
		t.Errorf("%s frames, want %s", packets, want)
	}
}

// TestModelsOfBoto: what the emulator says of the service's operations is what botocore's models say, and what it lacks it says
// so that botocore understands.
func TestModelsOfBoto(t *testing.T) {
	python := tool(t, "/usr/bin/python3")
	c := checked(t)
	var lacking []wire.API
	for _, o := range model(t) {
		if !isThere(o.API) {
			lacking = append(lacking, o.API)
		}
	}
	names, err := json.Marshal(lacking)
	if err != nil {
		t.Fatal(err)
	}
	env := append(toolEnv(t, c), "MODEL=wire/model.txt", "DATA="+c.endpoint("card", "GET_CLIP"), "LACKING="+string(names))
	var out struct {
		Differences [][]any
		Calls       map[wire.API][]any
		Seen        int
	}
	if err := json.Unmarshal([]byte(runTool(t, env, python, "testdata/models.py")), &out); err != nil {
		t.Fatal(err)
	}
	for _, d := range out.Differences {
		t.Errorf("differs: %v", d)
	}
	for api, got := range out.Calls {
		want := []any{501.0, "NotImplementedException", "the clipfs emulator has no " + string(api), true}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", api, got, want)
		}
	}
	// The oldest botocore that this is run with has 32 operations. Those that the emulator lacks were all called, as far as it has them.
	if out.Seen < 32 || len(out.Calls) < out.Seen-len(wire.ControlAPIs())-len(wire.DataAPIs()) {
		t.Errorf("botocore has %d operations, and %d that are lacking were called", out.Seen, len(out.Calls))
	}
}

// TestOperationsOfBoto: boto3 can call each operation, finds in its answer all members of the model and no others, and knows the
// class of each error.
func TestOperationsOfBoto(t *testing.T) {
	python := tool(t, "/usr/bin/python3")
	c := startLoopback(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "card", Source: card(t)}}})
	var out struct {
		Unknown, Missing []string
		Called           []wire.API
		Errors           map[string][]string
	}
	if err := json.Unmarshal([]byte(runTool(t, toolEnv(t, c), python, "testdata/operations.py")), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Unknown)+len(out.Missing) > 0 {
		t.Errorf("answers have unknown members %q, and lack %q", out.Unknown, out.Missing)
	}
	// PutMedia is in no model, GetImages has a test of its own, and the botocore of Debian is older than the others.
	others := []wire.API{wire.PutMedia, wire.GetImages, wire.DescribeStreamStorageConfiguration, wire.UpdateStreamStorageConfiguration}
	for _, api := range slices.Concat(wire.ControlAPIs(), wire.DataAPIs()) {
		if !slices.Contains(others, api) && !slices.Contains(out.Called, api) {
			t.Errorf("%s has not answered", api)
		}
	}
	const missing, invalid, throttled = "ResourceNotFoundException", "InvalidArgumentException", "ClientLimitExceededException"
	const unkept = "NoDataRetentionException"
	const stale, taken = "VersionMismatchException", "ResourceInUseException"
	want := map[string][]string{
		"create_stream":         {taken, invalid, throttled},
		"describe_stream":       {missing, invalid, throttled},
		"list_streams":          {invalid, throttled},
		"update_stream":         {stale, missing, invalid},
		"update_data_retention": {stale, missing, invalid},
		"tag_stream":            {"TagsPerResourceExceededLimitException", missing, invalid},
		"untag_stream":          {missing, invalid},
		"list_tags_for_stream":  {missing, invalid},
		"get_data_endpoint":     {missing, invalid, throttled},
		"list_fragments":        {missing, invalid, throttled},
		"get_clip":              {missing, unkept, invalid, throttled},
		"delete_stream":         {stale, missing, invalid},

		"get_media":                      {missing, invalid, throttled},
		"get_media_for_fragment_list":    {missing, invalid, throttled},
		"get_hls_streaming_session_url":  {missing, missing, unkept, invalid, throttled},
		"get_dash_streaming_session_url": {missing, missing, unkept, invalid, throttled},

		"describe_image_generation_configuration": {missing, invalid, throttled},
		"describe_notification_configuration":     {missing, invalid, throttled},
		"update_image_generation_configuration":   {missing, invalid, unkept, throttled},
		"update_notification_configuration":       {missing, invalid, unkept, throttled},
	}
	if diff := cmp.Diff(want, out.Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}
