package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"
)

// info is a StreamInfo.
type info struct {
	StreamName, StreamARN, Version, Status, MediaType, DeviceName string
	CreationTime                                                  float64
	DataRetentionInHours                                          int
}

// describe asks for a stream.
func (c *client) describe(ref object) info {
	c.t.Helper()
	var out struct{ StreamInfo info }
	c.control("/describeStream", ref).into(c.t, &out)
	return out.StreamInfo
}

func TestStreamLifeCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{})
		var made struct{ StreamARN string }
		c.control("/createStream", object{"StreamName": "door", "MediaType": "video/h264", "DataRetentionInHours": 2}).into(t, &made)
		wantARN := fmt.Sprintf("arn:aws:kinesisvideo:us-east-1:000000000000:stream/door/%d", time.Now().UnixMilli())
		if made.StreamARN != wantARN {
			t.Errorf("ARN %q, want %q", made.StreamARN, wantARN)
		}
		c.control("/createStream", object{"StreamName": "door"}).wantError(t, 400, "ResourceInUseException", "door")

		byName := c.describe(object{"StreamName": "door"})
		if byARN := c.describe(object{"StreamARN": made.StreamARN}); byARN != byName {
			t.Errorf("by ARN %+v, by name %+v", byARN, byName)
		}
		if byName.Status != "ACTIVE" || byName.DataRetentionInHours != 2 || byName.MediaType != "video/h264" ||
			byName.CreationTime != float64(time.Now().UnixMilli())/1000 {
			t.Errorf("described as %+v", byName)
		}

		c.control("/updateStream", object{"StreamName": "door", "CurrentVersion": byName.Version, "DeviceName": "cam1"}).into(t, new(object))
		renamed := c.describe(object{"StreamName": "door"})
		if renamed.DeviceName != "cam1" || renamed.MediaType != "video/h264" || renamed.Version == byName.Version {
			t.Errorf("updated to %+v", renamed)
		}

		del := object{"StreamARN": made.StreamARN, "CurrentVersion": byName.Version}
		c.control("/deleteStream", del).wantError(t, 400, "VersionMismatchException", "")
		c.control("/deleteStream", object{"StreamName": "door"}).wantError(t, 400, "InvalidArgumentException",
			"Value null at 'streamARN' failed to satisfy constraint: Member must not be null")
		c.control("/deleteStream", object{"StreamARN": made.StreamARN}).into(t, new(object))
		c.control("/describeStream", object{"StreamName": "door"}).
			wantError(t, 404, "ResourceNotFoundException", "The requested stream is not found or not active.")

		// A stream of the same name is another one.
		time.Sleep(time.Second)
		c.control("/createStream", object{"StreamName": "door"}).into(t, new(object))
		c.control("/describeStream", object{"StreamARN": made.StreamARN}).wantError(t, 404, "ResourceNotFoundException", "")
	})
}

// TestSlowLifeCycle: a stream takes its time to be created and to be deleted, as in the service. Meanwhile it is told of, and
// nothing can be done with it.
func TestSlowLifeCycle(t *testing.T) {
	const taken, missing = "ResourceInUseException", "ResourceNotFoundException"
	const busy = "The stream is currently not available for this operation."
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Lifecycle: 10 * time.Second, Streams: []emulator.Stream{{Name: "given"}}})
		data := c.endpoint("given", "LIST_FRAGMENTS")
		var made struct{ StreamARN string }
		c.control("/createStream", object{"StreamName": "a", "DataRetentionInHours": 1}).into(t, &made)
		ref := object{"StreamName": "a"}
		statuses := func() string {
			var out struct{ StreamInfoList []info }
			c.control("/listStreams", object{}).into(t, &out)
			var all []string
			for _, st := range out.StreamInfoList {
				all = append(all, st.StreamName+" "+st.Status)
			}
			return strings.Join(all, ", ")
		}
		check := func(status string) {
			t.Helper()
			now := c.describe(ref)
			if want := "a " + status + ", given ACTIVE"; now.Status != status || statuses() != want {
				t.Errorf("described as %s, listed as %q, want %q", now.Status, statuses(), want)
			}
			if status == "ACTIVE" {
				return
			}
			c.control("/updateStream", object{"StreamName": "a", "CurrentVersion": now.Version}).wantError(t, 400, taken, busy)
			c.control("/updateDataRetention", object{"StreamName": "a", "CurrentVersion": now.Version, "Operation": "INCREASE_DATA_RETENTION",
				"DataRetentionChangeInHours": 1}).wantError(t, 400, taken, busy)
			c.control("/deleteStream", object{"StreamARN": now.StreamARN}).wantError(t, 400, taken, busy)
			c.control("/tagStream", object{"StreamName": "a", "Tags": object{"a": "b"}}).wantError(t, 404, missing, "not found or not active")
			c.control("/getDataEndpoint", object{"StreamName": "a", "APIName": "PUT_MEDIA"}).wantError(t, 404, missing, "not found or not active")
			c.call(data, "/listFragments", listing("a", 1)).wantError(t, 404, missing, "not found or not active")
		}
		check("CREATING")
		time.Sleep(10*time.Second - time.Millisecond)
		check("CREATING")
		c.control("/createStream", ref).wantError(t, 400, taken, "already exists")
		time.Sleep(time.Millisecond)
		check("ACTIVE")
		c.call(data, "/listFragments", listing("a", 1)).into(t, new(object))
		c.control("/deleteStream", object{"StreamARN": made.StreamARN}).into(t, new(object))
		check("DELETING")
		time.Sleep(10*time.Second - time.Millisecond)
		check("DELETING")
		c.control("/createStream", ref).wantError(t, 400, taken, busy)
		time.Sleep(time.Millisecond)
		c.control("/describeStream", ref).wantError(t, 404, missing, "")
		c.control("/createStream", ref).into(t, new(object))
		check("CREATING")
	})
}

func TestUpdateDataRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a"}}, Retention: 48 * time.Hour})
		v := c.describe(object{"StreamName": "a"}).Version
		steps := []struct {
			operation string
			hours     int
			want      int
			kind      string
		}{
			{"INCREASE_DATA_RETENTION", 24, 72, ""},
			{"DECREASE_DATA_RETENTION", 71, 1, ""},
			{"DECREASE_DATA_RETENTION", 2, 1, "InvalidArgumentException"},
			{"INCREASE_DATA_RETENTION", 87_600, 1, "InvalidArgumentException"},
			{"INCREASE_DATA_RETENTION", 0, 1, "InvalidArgumentException"},
			{"DOUBLE", 1, 1, "InvalidArgumentException"},
			{"DECREASE_DATA_RETENTION", 1, 0, ""},
		}
		for _, s := range steps {
			r := c.control("/updateDataRetention", object{"StreamName": "a", "CurrentVersion": v, "Operation": s.operation,
				"DataRetentionChangeInHours": s.hours})
			if s.kind != "" {
				r.wantError(t, 400, s.kind, "")
			} else {
				r.into(t, new(object))
				c.control("/updateDataRetention", object{"StreamName": "a", "CurrentVersion": v,
					"Operation": "INCREASE_DATA_RETENTION", "DataRetentionChangeInHours": 1}).
					wantError(t, 400, "VersionMismatchException", v)
			}
			got := c.describe(object{"StreamName": "a"})
			if v = got.Version; got.DataRetentionInHours != s.want {
				t.Errorf("%s %d: %d h, want %d", s.operation, s.hours, got.DataRetentionInHours, s.want)
			}
		}
	})
}

func TestListStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var streams []emulator.Stream
		for i := range 25 {
			streams = append(streams, emulator.Stream{Name: wire.StreamName(fmt.Sprintf("cam-%02d", i))})
		}
		streams = append(streams, emulator.Stream{Name: "door"})
		c := start(t, emulator.Options{Streams: streams})
		prefix := func(p string) object {
			return object{"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": p}
		}
		tests := []struct {
			name  string
			in    object
			pages []int
		}{
			{"default", object{}, []int{10, 10, 6}},
			{"larger pages", object{"MaxResults": 20}, []int{20, 6}},
			{"one page", object{"MaxResults": 10_000}, []int{26}},
			{"exactly full", object{"MaxResults": 13}, []int{13, 13}},
			{"prefix", object{"StreamNameCondition": prefix("cam-1")}, []int{10}},
			{"prefix of none", object{"StreamNameCondition": prefix("x")}, []int{0}},
		}
		for _, tt := range tests {
			seen := make(map[string]bool)
			var pages []int
			for more := true; more && len(pages) < 30; {
				var out struct {
					StreamInfoList []info
					NextToken      string
				}
				c.control("/listStreams", tt.in).into(t, &out)
				for _, s := range out.StreamInfoList {
					seen[s.StreamName] = true
				}
				pages = append(pages, len(out.StreamInfoList))
				tt.in["NextToken"], more = out.NextToken, out.NextToken != ""
			}
			total := 0
			for _, n := range tt.pages {
				total += n
			}
			if fmt.Sprint(pages) != fmt.Sprint(tt.pages) || len(seen) != total {
				t.Errorf("%s: pages of %v with %d streams, want %v", tt.name, pages, len(seen), tt.pages)
			}
		}
		var first struct{ NextToken string }
		c.control("/listStreams", "").into(t, &first)
		c.control("/listStreams", object{"NextToken": first.NextToken, "StreamNameCondition": prefix("cam")}).
			wantError(t, 400, "InvalidArgumentException", "NextToken")
	})
}

func TestTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		c.control("/createStream", object{"StreamName": "a", "Tags": object{"x": "1"}}).into(t, new(object))
		c.control("/tagStream", object{"StreamName": "a", "Tags": object{"x": "2", "y": "3", "z": ""}}).into(t, new(object))
		c.control("/untagStream", object{"StreamName": "a", "TagKeyList": []string{"y", "none"}}).into(t, new(object))
		var out struct{ Tags map[string]string }
		c.control("/listTagsForStream", object{"StreamName": "a"}).into(t, &out)
		if got, want := fmt.Sprint(out.Tags), "map[x:2 z:]"; got != want {
			t.Errorf("tags %s, want %s", got, want)
		}
		many := object{}
		for i := range 49 {
			many[fmt.Sprint(i)] = ""
		}
		c.control("/tagStream", object{"StreamName": "a", "Tags": many}).
			wantError(t, 400, "TagsPerResourceExceededLimitException", "50")
	})
}

func TestInvalidRequests(t *testing.T) {
	const notFound, badArg = "ResourceNotFoundException", "InvalidArgumentException"
	arn := "arn:aws:kinesisvideo:us-east-1:000000000000:stream/"
	tests := []struct {
		name, path string
		in         any
		status     int
		kind       string
	}{
		{"name of a space", "/createStream", object{"StreamName": "a b"}, 400, badArg},
		{"name of 257", "/createStream", object{"StreamName": strings.Repeat("x", 257)}, 400, badArg},
		{"no name", "/createStream", object{}, 400, badArg},
		{"negative retention", "/createStream", object{"StreamName": "b", "DataRetentionInHours": -1}, 400, badArg},
		{"empty tag", "/createStream", object{"StreamName": "b", "Tags": object{"": "x"}}, 400, badArg},
		{"neither name nor ARN", "/describeStream", object{}, 400, badArg},
		{"unknown stream", "/describeStream", object{"StreamName": "zzz"}, 404, notFound},
		{"invalid name", "/describeStream", object{"StreamName": "zz/z"}, 400, badArg},
		{"no ARN", "/describeStream", object{"StreamARN": "a"}, 400, badArg},
		{"ARN of another service", "/describeStream", object{"StreamARN": "arn:aws:s3:us-east-1:1:stream/a/1"}, 400, badArg},
		{"ARN of another time", "/describeStream", object{"StreamARN": arn + "a/1"}, 404, notFound},
		{"name and ARN disagree", "/describeStream", object{"StreamName": "a", "StreamARN": arn + "b/1"}, 400, badArg},
		{"no JSON", "/describeStream", "{", 400, "SerializationException"},
		{"name is a number", "/describeStream", object{"StreamName": 7}, 400, "SerializationException"},
		{"unknown APIName", "/getDataEndpoint", object{"StreamName": "a", "APIName": "GET_ALL"}, 400, badArg},
		{"no APIName", "/getDataEndpoint", object{"StreamName": "a"}, 400, badArg},
		{"endpoint of unknown stream", "/getDataEndpoint", object{"StreamName": "b", "APIName": "GET_CLIP"}, 404, notFound},
		{"MaxResults 0", "/listStreams", object{"MaxResults": 0}, 400, badArg},
		{"MaxResults 10001", "/listStreams", object{"MaxResults": 10_001}, 400, badArg},
		{"other condition", "/listStreams", object{"StreamNameCondition": object{"ComparisonOperator": "ENDS_WITH", "ComparisonValue": "a"}}, 400, badArg},
		{"forged token", "/listStreams", object{"NextToken": "AAAA"}, 400, badArg},
		{"token that is no base64", "/listStreams", object{"NextToken": "?"}, 400, badArg},
		{"no tags", "/tagStream", object{"StreamName": "a"}, 400, badArg},
		{"large body", "/listStreams", strings.Repeat(" ", 1<<20+1), 413, "RequestEntityTooLargeException"},
	}
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a"}}})
		for _, tt := range tests {
			t.Log(tt.name)
			r := c.control(tt.path, tt.in)
			r.wantError(t, tt.status, tt.kind, "")
			if r.header.Get("x-amzn-RequestId") == "" {
				t.Errorf("%s: no request id", tt.name)
			}
		}
	})
}

func TestListenersAreSeparate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a"}}})
		control, data := c.server.Endpoint(), c.endpoint("a", "GET_CLIP")
		if other := c.endpoint("a", "LIST_FRAGMENTS"); control == data || other == "" {
			t.Fatalf("control %q, data %q and %q", control, data, other)
		}
		for _, to := range []string{control + "/getClip", control + "/listFragments", control + "/nothing",
			data + "/describeStream", data + "/getDataEndpoint", data + "/putNothing", data + "/_emulator/calls"} {
			r := c.call(to, "", object{"StreamName": "a"})
			const text = "<Message>Unable to determine service/operation name to be authorized</Message>"
			if r.status != http.StatusForbidden || !strings.Contains(string(r.body), text) || !strings.Contains(r.header.Get("Content-Type"), "xml") {
				t.Errorf("%s: %d %s", to, r.status, r.body)
			}
		}
	})
}

// The data hosts put a namespace behind the name of an error, the control host does not.
func TestErrorNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a"}}})
		for endpoint, want := range map[string]string{
			c.server.Endpoint() + "/describeStream":        "ResourceNotFoundException",
			c.endpoint("a", "GET_CLIP") + "/listFragments": "ResourceNotFoundException:https://kinesisvideo.amazonaws.com/doc/2017-09-30/",
		} {
			r := c.call(endpoint, "", object{"StreamName": "none"})
			if got := r.header.Get("x-amzn-ErrorType"); got != want {
				t.Errorf("%s: %q, want %q", endpoint, got, want)
			}
		}
	})
}

func TestOptionsRefused(t *testing.T) {
	for name, o := range map[string]emulator.Options{
		"half an hour":       {Retention: 90 * time.Minute},
		"negative retention": {Retention: -time.Hour},
		"more than a decade": {Retention: 87_601 * time.Hour},
		"stream name":        {Streams: []emulator.Stream{{Name: "a/b"}}},
		"latency":            {Latency: -1},
		"bandwidth":          {Bandwidth: -1},
		"lifecycle":          {Lifecycle: -1},
		"connections":        {PutConnections: -1},
		"account":            {Account: "12"},
		"account of letters": {Account: "12345678901a"},
		"address":            {Address: "nowhere"},
	} {
		if _, err := emulator.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
