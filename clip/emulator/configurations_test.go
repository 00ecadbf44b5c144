package emulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"

	"github.com/google/go-cmp/cmp"
)

// generation is an ImageGenerationConfiguration, with some members another way.
func generation(more object) object {
	in := object{"Status": "ENABLED", "ImageSelectorType": "PRODUCER_TIMESTAMP", "SamplingInterval": 3000.0, "Format": "JPEG",
		"DestinationConfig": object{"Uri": "s3://bucket/prefix", "DestinationRegion": "eu-central-1"}, "WidthPixels": 640.0}
	for name, value := range more {
		in[name] = value
	}
	return in
}

// TestConfigurations: what is configured of a stream is told as it was given, outlives a restart, and goes away where nothing is
// given. What the service does not know is left out.
func TestConfigurations(t *testing.T) {
	dir := t.TempDir()
	c, stop := on(t, emulator.Options{Data: dir})
	c.control("/createStream", object{"StreamName": "a", "DataRetentionInHours": 1,
		"StreamStorageConfiguration": object{"DefaultStorageTier": "WARM"}}).into(t, new(object))
	c.create("b", 1)
	ref := object{"StreamName": "a"}
	notification := object{"Status": "DISABLED", "DestinationConfig": object{"Uri": "arn:aws:sns:us-east-1:000000000000:topic"}}
	told := func(stream, what string, want object) {
		t.Helper()
		var got object
		c.control("/describe"+what, object{"StreamName": stream}).into(t, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", what, stream, diff)
		}
	}
	told("b", "ImageGenerationConfiguration", object{})
	told("b", "NotificationConfiguration", object{})
	c.control("/updateImageGenerationConfiguration", object{"StreamName": "a", "ImageGenerationConfiguration": generation(object{"Unknown": 1})}).into(t, new(object))
	c.control("/updateNotificationConfiguration", object{"StreamName": "a", "NotificationConfiguration": notification}).into(t, new(object))
	all := func() {
		t.Helper()
		arn := c.describe(ref).StreamARN
		told("a", "StreamStorageConfiguration", object{"StreamName": "a", "StreamARN": arn, "StreamStorageConfiguration": object{"DefaultStorageTier": "WARM"}})
		told("b", "StreamStorageConfiguration", object{"StreamName": "b", "StreamARN": c.describe(object{"StreamName": "b"}).StreamARN,
			"StreamStorageConfiguration": object{"DefaultStorageTier": "HOT"}})
		told("a", "ImageGenerationConfiguration", object{"ImageGenerationConfiguration": generation(nil)})
		told("a", "NotificationConfiguration", object{"NotificationConfiguration": notification})
	}
	all()
	stop()
	c, _ = on(t, emulator.Options{Data: dir})
	all()

	tier := func(version string) response {
		return c.control("/updateStreamStorageConfiguration", object{"StreamName": "a", "CurrentVersion": version,
			"StreamStorageConfiguration": object{"DefaultStorageTier": "HOT"}})
	}
	version := c.describe(ref).Version
	tier(version).into(t, new(object))
	tier(version).wantError(t, 400, "VersionMismatchException", version)
	told("a", "StreamStorageConfiguration", object{"StreamName": "a", "StreamARN": c.describe(ref).StreamARN,
		"StreamStorageConfiguration": object{"DefaultStorageTier": "HOT"}})
	c.control("/updateImageGenerationConfiguration", ref).into(t, new(object))
	c.control("/updateNotificationConfiguration", object{"StreamName": "a", "NotificationConfiguration": nil}).into(t, new(object))
	told("a", "ImageGenerationConfiguration", object{})
	told("a", "NotificationConfiguration", object{})
}

// TestConfigurationsRefused: what cannot be configured is refused, and changes nothing.
func TestConfigurationsRefused(t *testing.T) {
	const invalid, missing, busy = "InvalidArgumentException", "ResourceNotFoundException", "ResourceInUseException"
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Lifecycle: time.Minute})
		c.control("/createStream", object{"StreamName": "unkept"}).into(t, new(object))
		c.create("a", 1)
		time.Sleep(time.Minute)
		c.create("new", 1)
		images, notify, tier := "/updateImageGenerationConfiguration", "/updateNotificationConfiguration", "/updateStreamStorageConfiguration"
		generate := func(stream string, more object) object {
			return object{"StreamName": stream, "ImageGenerationConfiguration": generation(more)}
		}
		told := object{"Status": "ENABLED", "DestinationConfig": object{"Uri": "s3://bucket"}}
		hot := object{"DefaultStorageTier": "HOT"}
		for _, tc := range []struct {
			path   string
			in     object
			status int
			kind   string
			want   string
		}{
			{images, generate("gone", nil), 404, missing, "not found"},
			{images, generate("unkept", nil), 400, "NoDataRetentionException", "equal to zero"},
			{images, generate("new", nil), 400, busy, "not available"},
			{images, generate("a", object{"SamplingInterval": 199}), 400, invalid, "SamplingInterval 199"},
			{images, generate("a", object{"SamplingInterval": nil}), 400, invalid, "imageGenerationConfiguration.samplingInterval"},
			{images, generate("a", object{"FormatConfig": object{"JPEGQuality": "0"}}), 400, invalid, "JPEGQuality 0"},
			{images, generate("a", object{"FormatConfig": object{"Quality": "1"}}), 400, invalid, "formatConfig"},
			{images, generate("a", object{"Status": "ON"}), 400, invalid, "enum value set: [ENABLED, DISABLED]"},
			{images, generate("a", object{"WidthPixels": 3841}), 400, invalid, "widthPixels"},
			{images, generate("a", object{"DestinationConfig": object{"Uri": "s3://bucket"}}), 400, invalid, "destinationRegion"},
			{notify, object{"StreamName": "gone", "NotificationConfiguration": told}, 404, missing, "not found"},
			{notify, object{"StreamName": "unkept", "NotificationConfiguration": told}, 400, "NoDataRetentionException", "equal to zero"},
			{notify, object{"StreamName": "a", "NotificationConfiguration": object{"Status": "ENABLED"}}, 400, invalid, "destinationConfig"},
			{notify, object{"StreamName": "a", "NotificationConfiguration": "ENABLED"}, 400, "SerializationException", "structure"},
			{tier, object{"StreamName": "a", "CurrentVersion": "x", "StreamStorageConfiguration": object{"DefaultStorageTier": "COLD"}}, 400, invalid, "defaultStorageTier"},
			{tier, object{"StreamName": "a", "StreamStorageConfiguration": hot}, 400, invalid, "currentVersion"},
			{tier, object{"StreamName": "gone", "CurrentVersion": "x", "StreamStorageConfiguration": hot}, 404, missing, "not found"},
			{tier, object{"StreamName": "new", "CurrentVersion": "x", "StreamStorageConfiguration": hot}, 400, busy, "not available"},
		} {
			c.control(tc.path, tc.in).wantError(t, tc.status, tc.kind, tc.want)
		}
		for what, want := range map[string]string{"ImageGeneration": "{}", "Notification": "{}"} {
			if r := c.control("/describe"+what+"Configuration", object{"StreamName": "a"}); string(r.body) != want {
				t.Errorf("%s: %s", what, r.body)
			}
		}
	})
}
