package emulator_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	camera "clipfs/clip/emulator/producer"
	"clipfs/clip/emulator/store"
)

// on runs a server on a directory of data, until stop.
func on(t *testing.T, o emulator.Options) (c *client, stop func()) {
	t.Helper()
	o.NoQuota = true
	c = startLoopback(t, o)
	return c, func() {
		c.http.CloseIdleConnections()
		if err := c.server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// media gives what a clip holds besides the time at which it was made.
func media(t *testing.T, clip []byte) []byte {
	t.Helper()
	_, after, ok := bytes.Cut(clip, []byte("mdat"))
	if !ok {
		t.Fatal("no media in the clip")
	}
	return after
}

func TestDataSurvives(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	given := []emulator.Stream{{Name: "given", MediaType: "video/h264"}}
	c, stop := on(t, emulator.Options{Data: dir, Streams: given})
	now := time.Now().Truncate(2 * time.Second)
	from := now.Add(-10 * time.Minute)
	long := strings.Repeat("x", 256)
	c.create("a", 24)
	c.create("..", 24)
	c.create(long, 1)
	c.create("gone", 24)
	c.putCard("a", from, from.Add(20*time.Second), camera.Options{})
	c.putCard("..", from, from.Add(4*time.Second), camera.Options{})
	c.putCard("given", from, from.Add(6*time.Second), camera.Options{})
	c.putCard("gone", from, from.Add(6*time.Second), camera.Options{})
	c.control("/tagStream", object{"StreamName": "a", "Tags": object{"k": "v"}}).into(t, new(object))
	c.control("/updateDataRetention", object{"StreamName": "a", "CurrentVersion": c.describe(object{"StreamName": "a"}).Version,
		"Operation": "INCREASE_DATA_RETENTION", "DataRetentionChangeInHours": 3}).into(t, new(object))
	c.control("/deleteStream", object{"StreamARN": c.describe(object{"StreamName": "gone"}).StreamARN}).into(t, new(object))

	names := []string{"a", "..", "given"}
	infos, lists, clips := map[string]info{}, map[string][]pushedFragment{}, map[string][]byte{}
	for _, n := range names {
		infos[n], lists[n] = c.describe(object{"StreamName": n}), c.list(n, producer, from, now)
		clips[n] = media(t, c.mustClip(n, from, now))
	}
	infos[long] = c.describe(object{"StreamName": long})
	stop()

	c, _ = on(t, emulator.Options{Data: dir, Streams: given})
	for n, want := range infos {
		if got := c.describe(object{"StreamName": n}); got != want {
			t.Errorf("%.10s: %+v, want %+v", n, got, want)
		}
	}
	for _, n := range names {
		if got := c.list(n, producer, from, now); !slices.Equal(got, lists[n]) || len(got) == 0 {
			t.Errorf("%s: %+v, want %+v", n, got, lists[n])
		}
		if got := media(t, c.mustClip(n, from, now)); !bytes.Equal(got, clips[n]) {
			t.Errorf("%s: another clip after a restart", n)
		}
	}
	c.control("/describeStream", object{"StreamName": "gone"}).wantError(t, http.StatusNotFound, "ResourceNotFoundException", "")
	var out struct{ Tags map[string]string }
	c.control("/listTagsForStream", object{"StreamName": "a"}).into(t, &out)
	if out.Tags["k"] != "v" {
		t.Errorf("tags %v", out.Tags)
	}
	// Numbers go on increasing.
	last := lists["a"][len(lists["a"])-1].FragmentNumber
	if next := c.putCard("a", now.Add(-2*time.Second), now, camera.Options{}); len(next) != 1 || next[0] <= last {
		t.Errorf("number %v after %s", next, last)
	}
}

// TestDataOfBefore: what was written before there were tags and configurations is served as what is written now: records that name the default key and know
// of no tier, and fragments without tags.
func TestDataOfBefore(t *testing.T) {
	dir := t.TempDir()
	c, stop := on(t, emulator.Options{Data: dir})
	now := time.Now().Truncate(2 * time.Second)
	from := now.Add(-10 * time.Minute)
	c.create("a", 24)
	numbers := c.putCard("a", from, from.Add(20*time.Second), camera.Options{})
	described, listed, clip := c.describe(object{"StreamName": "a"}), c.list("a", producer, from, now), media(t, c.mustClip("a", from, now))
	stop()

	records, err := filepath.Glob(filepath.Join(dir, "streams", "*", "stream.json"))
	if err != nil || len(records) != 1 {
		t.Fatalf("%q, %v", records, err)
	}
	before := fmt.Sprintf(`{"name":"a","created":%d,"kmsKeyId":"arn:aws:kms:us-east-1:000000000000:alias/aws/kinesisvideo","version":%q,"retentionHours":24}`,
		int64(described.CreationTime*1000), described.Version)
	if err := os.WriteFile(records[0], []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ = on(t, emulator.Options{Data: dir})
	if got := c.describe(object{"StreamName": "a"}); got != described {
		t.Errorf("%+v, want %+v", got, described)
	}
	if got := c.list("a", producer, from, now); !slices.Equal(got, listed) || !bytes.Equal(media(t, c.mustClip("a", from, now)), clip) {
		t.Errorf("%+v, want %+v, or another clip", got, listed)
	}
	if got := c.getMedia("a", object{"StartSelectorType": `"EARLIEST"`}).next(len(numbers)); !slices.Equal(got, numbers) {
		t.Errorf("GetMedia gives %v, want %v", got, numbers)
	}
	c.control("/updateStreamStorageConfiguration", object{"StreamName": "a", "CurrentVersion": described.Version,
		"StreamStorageConfiguration": object{"DefaultStorageTier": "WARM"}}).into(t, new(object))
}

// A stream that was given once and not again is there for as long as it has what was pushed into it.
func TestDataOfGivenStreams(t *testing.T) {
	dir := t.TempDir()
	c, stop := on(t, emulator.Options{Data: dir, Streams: []emulator.Stream{{Name: "empty"}, {Name: "pushed"}}})
	now := time.Now().Truncate(2 * time.Second)
	numbers := c.putCard("pushed", now.Add(-4*time.Second), now, camera.Options{})
	stop()
	c, _ = on(t, emulator.Options{Data: dir})
	c.control("/describeStream", object{"StreamName": "empty"}).wantError(t, http.StatusNotFound, "ResourceNotFoundException", "")
	if got := c.list("pushed", producer, now.Add(-time.Minute), now); len(got) != 2 || got[0].FragmentNumber != numbers[0] {
		t.Errorf("%+v, want %v", got, numbers)
	}
}

func TestDataInUse(t *testing.T) {
	dir := t.TempDir()
	_, stop := on(t, emulator.Options{Data: dir})
	if _, err := emulator.New(emulator.Options{Data: dir}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("second server: %v", err)
	}
	stop()
	second, err := emulator.New(emulator.Options{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	third, err := emulator.New(emulator.Options{Data: dir})
	if err != nil {
		t.Fatalf("after a server that was not started: %v", err)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
}

// A disk that fails is told to the producer, and the connection ends.
func TestDataNotKept(t *testing.T) {
	dir := t.TempDir()
	c, _ := on(t, emulator.Options{Data: dir})
	c.create("a", 24)
	found, err := filepath.Glob(filepath.Join(dir, "streams", "a.*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := os.RemoveAll(found[0]); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	_, err = camera.PutTestCard(t.Context(), c.server.Endpoint(), "a", now.Add(-4*time.Second), now, camera.Options{})
	var refused *camera.MediaError
	if !errors.As(err, &refused) || refused.Ack.ErrorID != 5001 {
		t.Errorf("got %v", err)
	}
}

// What is no longer retained goes from the directory.
func TestDataExpires(t *testing.T) {
	dir := t.TempDir()
	files := func() int {
		found, err := filepath.Glob(filepath.Join(dir, "streams", "*", "*.mkv"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Data: dir})
		c.create("a", 2)
		now := time.Now()
		c.putCard("a", now.Add(-10*time.Second), now, camera.Options{})
		time.Sleep(time.Hour)
		c.putCard("a", now, now.Add(4*time.Second), camera.Options{})
		if n := files(); n != 7 {
			t.Errorf("%d files, want 7", n)
		}
		time.Sleep(time.Hour + 10*time.Minute)
		if n := files(); n != 2 {
			t.Errorf("%d files after two hours, want 2", n)
		}
		if n := len(c.list("a", producer, now.Add(-time.Hour), now.Add(time.Hour))); n != 2 {
			t.Errorf("%d fragments after two hours, want 2", n)
		}
	})
}
