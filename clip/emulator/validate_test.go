package emulator_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
)

// TestValidation: what the models say of a request's members is held, and said as the service says it.
func TestValidation(t *testing.T) {
	const (
		name  = "[a-zA-Z0-9_.-]+"
		one   = "1 validation error detected: Value "
		text  = "failed to satisfy constraint: "
		tier  = "StreamStorageConfiguration"
		wrong = "InvalidArgumentException"
		kind  = "SerializationException"
	)
	span := func(start, end any) object {
		return object{"FragmentSelectorType": producer, "TimestampRange": object{"StartTimestamp": start, "EndTimestamp": end}}
	}
	long := strings.Repeat("x", 257)
	tests := []struct {
		name, path string
		in         object
		kind, want string
	}{
		{"null name", "/createStream", object{"StreamName": nil}, wrong, one + "null at 'streamName' " + text + "Member must not be null"},
		{"empty name", "/createStream", object{"StreamName": ""}, wrong,
			"2 validation errors detected: Value '' at 'streamName' " + text + "Member must have length greater than or equal to 1; Value '' at 'streamName' "},
		{"long name", "/describeStream", object{"StreamName": long}, wrong,
			one + "'" + long[:100] + "...' at 'streamName' " + text + "Member must have length less than or equal to 256"},
		{"pattern", "/describeStream", object{"StreamName": "a/b"}, wrong,
			one + "'a/b' at 'streamName' " + text + "Member must satisfy regular expression pattern: " + name},
		{"ARN", "/describeStream", object{"StreamARN": "a"}, wrong, one + "'a' at 'streamARN' " + text + "Member must satisfy regular expression pattern: arn:"},
		{"device", "/createStream", object{"StreamName": "b", "DeviceName": "a b"}, wrong, one + "'a b' at 'deviceName' " + text},
		{"media type", "/createStream", object{"StreamName": "b", "MediaType": "video"}, wrong, one + "'video' at 'mediaType' " + text},
		{"two wrong", "/createStream", object{"StreamName": "b", "MediaType": "video", "DeviceName": "a b"}, wrong,
			"2 validation errors detected: Value 'a b' at 'deviceName' " + text + "Member must satisfy regular expression pattern: " + name + "; Value 'video'"},
		{"key", "/createStream", object{"StreamName": "b", "KmsKeyId": ""}, wrong, "at 'kmsKeyId'"},
		{"least", "/createStream", object{"StreamName": "b", "DataRetentionInHours": -1}, wrong,
			one + "'-1' at 'dataRetentionInHours' " + text + "Member must have value greater than or equal to 0"},
		{"enum in a structure", "/createStream", object{"StreamName": "b", tier: object{"DefaultStorageTier": "COLD"}}, wrong,
			one + "'COLD' at 'streamStorageConfiguration.defaultStorageTier' " + text + "Member must satisfy enum value set: [HOT, WARM]"},
		{"missing in a structure", "/createStream", object{"StreamName": "b", tier: object{}}, wrong,
			one + "null at 'streamStorageConfiguration.defaultStorageTier' " + text + "Member must not be null"},
		{"tag key", "/tagStream", object{"StreamName": "a", "Tags": object{"a;b": "c"}}, wrong, "at 'tags' " + text +
			"Map keys must satisfy constraint: [Member must satisfy regular expression pattern: "},
		{"tag value", "/tagStream", object{"StreamName": "a", "Tags": object{"a": long}}, wrong, "Map value must satisfy constraint: [Member must have length less than or equal to 256]"},
		{"no tag", "/tagStream", object{"StreamName": "a", "Tags": object{}}, wrong, "at 'tags' " + text + "Member must have length greater than or equal to 1"},
		{"key to untag", "/untagStream", object{"StreamName": "a", "TagKeyList": []any{"x", "a;b"}}, wrong, "'a;b' at 'tagKeyList.2.member' "},
		{"null key", "/untagStream", object{"StreamName": "a", "TagKeyList": []any{nil}}, wrong, "null at 'tagKeyList.1.member' "},
		{"no version", "/updateStream", object{"StreamName": "a"}, wrong, one + "null at 'currentVersion' "},
		{"version", "/updateStream", object{"StreamName": "a", "CurrentVersion": "a-b"}, wrong, one + "'a-b' at 'currentVersion' "},
		{"operation", "/updateDataRetention", object{"StreamName": "a", "CurrentVersion": "a", "Operation": "DOUBLE", "DataRetentionChangeInHours": 1},
			wrong, "at 'operation' " + text + "Member must satisfy enum value set: [INCREASE_DATA_RETENTION, DECREASE_DATA_RETENTION]"},
		{"APIName", "/getDataEndpoint", object{"StreamName": "a", "APIName": "GET_ALL"}, wrong, "'GET_ALL' at 'aPIName' " + text + "Member must satisfy enum value set: [PUT_MEDIA, "},
		{"most", "/listStreams", object{"MaxResults": 10_001}, wrong, "'10001' at 'maxResults' " + text + "Member must have value less than or equal to 10000"},
		{"token", "/listStreams", object{"NextToken": "a b"}, wrong, "'a b' at 'nextToken' "},
		{"empty token", "/listFragments", object{"StreamName": "a", "NextToken": ""}, wrong, "'' at 'nextToken' " + text + "Member must have length greater than or equal to 1"},
		{"no results", "/listFragments", object{"StreamName": "a", "MaxResults": 0}, wrong, "'0' at 'maxResults' "},
		{"negative time", "/listFragments", object{"StreamName": "a", "FragmentSelector": span(-1, 0)}, wrong, "'-1' at 'fragmentSelector.timestampRange.startTimestamp' "},
		{"no range", "/getClip", object{"StreamName": "a", "ClipFragmentSelector": object{"FragmentSelectorType": producer}}, wrong,
			one + "null at 'clipFragmentSelector.timestampRange' "},
		{"other case", "/createStream", object{"streamname": "b"}, wrong, one + "null at 'streamName' "},
		{"name and ARN", "/describeStream", object{"StreamName": "a", "StreamARN": "arn:aws:kinesisvideo:us-east-1:000000000000:stream/a/1"}, wrong,
			"Either StreamName or StreamARN should be specified, but not both."},

		{"text for a number", "/listStreams", object{"MaxResults": "1"}, kind, "STRING_VALUE can not be converted to an Integer"},
		{"part of a number", "/listStreams", object{"MaxResults": 1.5}, kind, "NUMBER_VALUE can not be converted to an Integer"},
		{"large number", "/listStreams", object{"MaxResults": json.Number("1e30")}, kind, "NUMBER_VALUE can not be converted to an Integer"},
		{"number for a text", "/describeStream", object{"StreamName": 7}, kind, "NUMBER_VALUE can not be converted to a String"},
		{"truth for a text", "/describeStream", object{"StreamName": true}, kind, "TRUE_VALUE can not be converted to a String"},
		{"list for a text", "/describeStream", object{"StreamName": []int{}}, kind, "Start of list found where not expected."},
		{"structure for a list", "/untagStream", object{"StreamName": "a", "TagKeyList": object{}}, kind, "Start of structure or map found where not expected."},
		{"null for a tag", "/tagStream", object{"StreamName": "a", "Tags": object{"a": nil}}, kind, "NULL_VALUE can not be converted to a String"},
		{"no time", "/listFragments", object{"StreamName": "a", "FragmentSelector": span("noon", 0)}, kind, "STRING_VALUE can not be converted to a Timestamp"},
	}
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a"}}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		for _, tt := range tests {
			t.Log(tt.name)
			to := c.server.Endpoint()
			if tt.path == "/listFragments" || tt.path == "/getClip" {
				to = data
			}
			r := c.call(to, tt.path, tt.in)
			r.wantError(t, 400, tt.kind, tt.want)
			for _, word := range []string{"json:", "Go ", "unmarshal", "strconv", "parsing"} {
				if strings.Contains(string(r.body), word) {
					t.Errorf("%s: %s", tt.name, r.body)
				}
			}
		}
		for _, body := range []string{"{", `{"StreamName":"a"`, "[", "\x00", "{}{}"} {
			c.control("/describeStream", body).wantError(t, 400, kind, "The request body is not JSON.")
		}
		c.control("/describeStream", "[]").wantError(t, 400, kind, "Start of list found where not expected.")
		c.control("/listStreams", "null").into(t, new(object))
	})
}

// TestLenient: what the service lets pass passes.
func TestLenient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: every(1500, now.Add(-time.Hour), 2*time.Second)}}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		var out listed
		c.call(data, "/listFragments", listing("a", 1200)).into(t, &out)
		if len(out.Fragments) != 1000 || out.NextToken == "" {
			t.Errorf("MaxResults 1200 gives %d fragments, want 1000 and a token", len(out.Fragments))
		}
		for _, in := range []object{
			{"StreamName": "b", "streamName": "c", "Unknown": object{"x": 1}, "DeviceName": nil},
			{"StreamName": "d.é"[:2] + "1", "Tags": object{"größe:1": "ü"}, "DataRetentionInHours": json.Number("24.0"),
				"StreamStorageConfiguration": object{"DefaultStorageTier": "HOT"}, "MediaType": "video/h264,audio/aac"},
		} {
			c.control("/createStream", in).into(t, new(object))
		}
		if got := c.describe(object{"StreamName": "d.1"}); got.DataRetentionInHours != 24 || got.MediaType != "video/h264,audio/aac" {
			t.Errorf("made %+v", got)
		}
		c.control("/describeStream", object{"StreamName": "b"}).into(t, new(object))
		c.control("/describeStream", object{"StreamName": "c"}).wantError(t, 404, "ResourceNotFoundException", "")
	})
}
