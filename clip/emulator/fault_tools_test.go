//go:build e2e

package emulator_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"clipfs/clip/emulator"
)

// botoFaults makes the calls of an application that does not try again, under one fault after the other, and prints what
// it was told.
const botoFaults = `
import boto3, botocore.config, datetime, json, os, sys, urllib.request
endpoint, start = os.environ["ENDPOINT"], float(sys.argv[1])
def config(seconds):
    return botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=seconds)
kv = boto3.client("kinesisvideo", endpoint_url=endpoint, config=config(20))
def media(api, seconds):
    at = kv.get_data_endpoint(StreamName="door", APIName=api)["DataEndpoint"]
    return boto3.client("kinesis-video-archived-media", endpoint_url=at, config=config(seconds))
clips, hasty, lists = media("GET_CLIP", 20), media("GET_CLIP", 0.5), media("LIST_FRAGMENTS", 20)
def clip(clips=clips):
    span = {"StartTimestamp": start, "EndTimestamp": start + 9}
    return len(clips.get_clip(StreamName="door", ClipFragmentSelector={
        "FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": span})["Payload"].read())
def fragments():
    span = {"StartTimestamp": start, "EndTimestamp": start + 20}
    return len(lists.list_fragments(StreamName="door", MaxResults=5, FragmentSelector={
        "FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": span})["Fragments"])
def under(fault, call):
    request = urllib.request.Request(endpoint + "/_emulator/faults", data=fault.encode())
    urllib.request.urlopen(request).read()
    try:
        call()
        told = "nothing"
    except Exception as e:
        told = (getattr(e, "response", None) or {}).get("Error", {}).get("Code") or type(e).__name__
    urllib.request.urlopen(urllib.request.Request(endpoint + "/_emulator/faults", method="DELETE")).read()
    return told
out = {}
for line in sys.argv[2:]:
    out[line] = under(line, (lambda: clip(hasty)) if "stall" in line else clip if "GetClip" in line else fragments)
out["after"] = clip() > 1000 and fragments() == 5
json.dump(out, sys.stdout)
`

// TestFaultsAsBotoSeesThem: a client that is not ours takes each fault for what it is meant to be.
func TestFaultsAsBotoSeesThem(t *testing.T) {
	python := tool(t, "/usr/bin/python3")
	if err := exec.CommandContext(t.Context(), python, "-c", "import boto3").Run(); err != nil {
		tool(t, "boto3")
	}
	c := startFaulty(t)
	told := map[string]string{
		"kind=throttle,api=GetClip":                "ClientLimitExceededException",
		"kind=expired,api=GetClip":                 "ExpiredTokenException",
		"kind=denied,api=ListFragments":            "AccessDeniedException",
		"kind=status,status=503,api=GetClip":       "ServiceUnavailable",
		"kind=status,status=429,api=ListFragments": "429",
		"kind=deleted,api=ListFragments":           "ResourceNotFoundException",
		"kind=skew,by=-10m,api=ListFragments":      "InvalidSignatureException",
		"kind=reset,api=GetClip":                   "ConnectionClosedError",
		"kind=close,api=GetClip,at=1000":           "ResponseStreamingError",
		"kind=length,by=1000,api=GetClip":          "ResponseStreamingError",
		"kind=stall,api=GetClip":                   "ReadTimeoutError",
		"kind=stall,api=GetClip,at=1000":           "ReadTimeoutError",
		// It takes what is no JSON for an answer without members.
		"kind=truncate,api=ListFragments": "KeyError",
		"kind=html,api=ListFragments":     "KeyError",
		"kind=garbage,api=ListFragments":  "UnicodeDecodeError",
	}
	args := []string{"-c", botoFaults, fmt.Sprint(c.from.Unix())}
	for rule := range told {
		args = append(args, rule)
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(runTool(t, toolEnv(t, c.client), python, args...)), &out); err != nil {
		t.Fatal(err)
	}
	for rule, want := range told {
		if got := out[rule]; got != want {
			t.Errorf("%s: boto3 was told %v, want %s", rule, got, want)
		}
	}
	if out["after"] != true {
		t.Error("not as before when the faults are gone")
	}
}

// TestFaultsAsCurlSeesThem: what goes over the wire, seen by a program that checks it.
func TestFaultsAsCurlSeesThem(t *testing.T) {
	curl := tool(t, "curl")
	c := startLoopback(t, emulator.Options{NoQuota: true})
	for rule, want := range map[string]string{
		"kind=reset":                         "56", // CURLE_RECV_ERROR
		"kind=close":                         "52", // CURLE_GOT_NOTHING
		"kind=close,at=10":                   "18", // CURLE_PARTIAL_FILE
		"kind=length,by=10":                  "18",
		"kind=stall":                         "28", // CURLE_OPERATION_TIMEDOUT
		"kind=drip,rate=1":                   "28",
		"kind=refuse,api=ListStreams,for=2s": "7", // CURLE_COULDNT_CONNECT
	} {
		endpoint := c.server.Endpoint()
		set := exec.CommandContext(t.Context(), curl, "-sS", "--fail", "-d", rule, endpoint+"/_emulator/faults")
		if out, err := set.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", rule, err, out)
		}
		ask := exec.CommandContext(t.Context(), curl, "-s", "-m", "1", "-o", "/dev/null", "-w", "%{exitcode}", "-d", "{}",
			"-H", "Authorization: AWS4-HMAC-SHA256 Credential=k/20240101/us-east-1/kinesisvideo/aws4_request, SignedHeaders=host, Signature="+strings.Repeat("0", 64),
			"-H", "X-Amz-Date: 20240101T000000Z", endpoint+"/listStreams")
		out, _ := ask.Output() // the code is what it prints
		if got := string(out); got != want {
			t.Errorf("%s: curl ends with %s, want %s", rule, got, want)
		}
		c.server.ClearFaults()
	}
}
