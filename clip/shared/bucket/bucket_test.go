package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/shared"
	"clipfs/clip/shared/bucket"
	"clipfs/clip/shared/gateway"
	"clipfs/clip/tier"
)

// environment has the SDK find credentials for the gateway, and nothing else.
func environment(t *testing.T, secret string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": gateway.AccessKey, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": gateway.Region, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "", "AWS_ENDPOINT_URL": "", "AWS_SESSION_TOKEN": "",
	} {
		t.Setenv(name, value)
	}
}

// open gives a bucket of a gateway.
func open(t *testing.T, g *gateway.Gateway, place string) *bucket.Bucket {
	t.Helper()
	p, err := bucket.ParsePlace(place)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bucket.Open(t.Context(), p, bucket.Options{Logger: slog.New(slog.DiscardHandler), Endpoint: g.URL, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// get reads all of an object.
func get(ctx context.Context, b *bucket.Bucket, name string) ([]byte, error) {
	o, err := b.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	defer o.Body.Close()
	text, err := io.ReadAll(o.Body)
	if err == nil && int64(len(text)) != o.Size {
		err = io.ErrUnexpectedEOF
	}
	return text, err
}

func put(ctx context.Context, b *bucket.Bucket, name string, text []byte, over bool) error {
	_, err := b.Put(ctx, name, bytes.NewReader(text), int64(len(text)), shared.Condition{Absent: !over})
	return err
}

// TestBucket: objects are written whole, kept where they are there, listed and removed; only a missing object is a miss.
func TestBucket(t *testing.T) {
	environment(t, gateway.SecretKey)
	g := gateway.Start(t)
	b, ctx := open(t, g, "s3://"+gateway.Name), t.Context()
	large := bytes.Repeat([]byte("footage "), 400_000) // which is not sent in one piece
	if _, err := get(ctx, b, "a/x"); !errors.Is(err, shared.ErrNotFound) {
		t.Errorf("an object that is not there: %v", err)
	}
	if there, err := b.Exists(ctx, "a/x"); there || err != nil {
		t.Errorf("it exists: %t, %v", there, err)
	}
	if err := put(ctx, b, "a/x", large, false); err != nil {
		t.Fatal(err)
	}
	if got, err := get(ctx, b, "a/x"); err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := put(ctx, b, "a/x", []byte("other"), false); err == nil {
		t.Error("an object was written over")
	}
	if there, err := b.Exists(ctx, "a/x"); !there || err != nil {
		t.Errorf("it exists: %t, %v", there, err)
	}
	if got, _ := get(ctx, b, "a/x"); !bytes.Equal(got, large) {
		t.Errorf("it has %d bytes now", len(got))
	}
	if err := errors.Join(put(ctx, b, "a/x", []byte("other"), true), put(ctx, b, "b/y", []byte("y"), false)); err != nil {
		t.Error(err)
	}
	first, err := b.Put(ctx, "a/x", strings.NewReader("first"), 5, shared.Condition{})
	if err != nil || first == "" {
		t.Errorf("ETag %q, %v", first, err)
	}
	if again, err := b.Get(ctx, "a/x"); err != nil || again.ETag != first {
		t.Errorf("%+v, %v, want ETag %q", again, err, first)
	} else {
		_ = again.Body.Close()
	}
	if _, err := b.Put(ctx, "a/x", strings.NewReader("other"), 5, shared.Condition{Match: first}); err != nil {
		t.Errorf("an object with its ETag: %v", err)
	}
	if _, err := b.Put(ctx, "a/x", strings.NewReader("third"), 5, shared.Condition{Match: first}); err == nil {
		t.Error("an object was written over whose ETag is another")
	}
	var names []string
	for item, err := range b.List(ctx, "a/") {
		if err != nil || item.Size != 5 || time.Since(item.Modified) > time.Hour {
			t.Errorf("%+v, %v", item, err)
		}
		names = append(names, item.Name)
	}
	if strings.Join(names, " ") != "a/x" {
		t.Errorf("listed %q", names)
	}
	if err := b.Delete(ctx, "a/x"); err != nil {
		t.Error(err)
	}
	if _, err := get(ctx, b, "a/x"); !errors.Is(err, shared.ErrNotFound) {
		t.Errorf("an object that was removed: %v", err)
	}
	if _, err := get(ctx, open(t, g, "s3://nowhere"), "a/x"); err == nil || errors.Is(err, shared.ErrNotFound) {
		t.Errorf("a bucket that is not there: %v", err)
	}
}

// TestAnswers: no answer but NoSuchKey is a miss, none is asked for twice, and none shows the secret.
func TestAnswers(t *testing.T) {
	environment(t, gateway.SecretKey)
	g := gateway.Start(t)
	b := open(t, g, "s3://"+gateway.Name)
	for what, test := range map[string]struct {
		fault gateway.Fault
		want  string
	}{
		"slow down":         {gateway.Answer(http.StatusServiceUnavailable, "SlowDown"), "status 503"},
		"denied":            {gateway.Answer(http.StatusForbidden, "AccessDenied"), "clipfs shared policy"},
		"another 404":       {gateway.Answer(http.StatusNotFound, "NotFound"), "status 404"},
		"a page":            {func(x *gateway.Exchange) bool { http.NotFound(x.ResponseWriter, x.Request); return true }, "status 404"},
		"a connection lost": {gateway.Reset, "GetObject"},
	} {
		g.Set(test.fault)
		before := g.Count(http.MethodGet)
		_, err := get(t.Context(), b, "a/x")
		if err == nil || errors.Is(err, shared.ErrNotFound) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", what, err)
		}
		// What a kept connection has lost net/http sends once more, as the store may have closed it before.
		if n := g.Count(http.MethodGet) - before; n != 1 && (what != "a connection lost" || n > 2) {
			t.Errorf("%s: %d requests", what, n)
		}
	}
	g.Set(nil)
	environment(t, "another-secret")
	if _, err := get(t.Context(), open(t, g, "s3://"+gateway.Name), "a/x"); err == nil || errors.Is(err, shared.ErrNotFound) || strings.Contains(err.Error(), "another-secret") {
		t.Errorf("with a wrong secret: %v", err)
	}
}

// breaking is content that has the upload end in its middle.
type breaking struct {
	*bytes.Reader
	breakAt int64
	end     context.CancelFunc
	sent    bool
}

// Read ends the upload once its sum is known and half of it was sent.
func (b *breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if at := b.Size() - int64(b.Len()); at > b.breakAt && b.sent {
		b.end()
	}
	return n, err
}

// Seek notices when what was summed up is sent.
func (b *breaking) Seek(offset int64, whence int) (int64, error) {
	return b.Reader.Seek(offset, whence)
}

// TestUploadThatBreaksOff: nothing is there of an upload that ends in its middle, as where a host is killed.
func TestUploadThatBreaksOff(t *testing.T) {
	environment(t, gateway.SecretKey)
	g := gateway.Start(t)
	b := open(t, g, "s3://"+gateway.Name)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	content := &breaking{Reader: bytes.NewReader(bytes.Repeat([]byte("footage "), 2_000_000)), breakAt: 8_000_000, end: cancel}
	g.Set(func(x *gateway.Exchange) bool {
		if x.Method == http.MethodPut {
			content.sent = true // the sums are made before
		}
		return false
	})
	if _, err := b.Put(ctx, "a/x", content, content.Size(), shared.Condition{Absent: true}); err == nil {
		t.Fatal("the upload was not broken off")
	}
	if !content.sent {
		t.Fatal("nothing was sent")
	}
	g.Set(nil)
	if _, err := get(t.Context(), b, "a/x"); !errors.Is(err, shared.ErrNotFound) {
		t.Errorf("a broken upload left something: %v", err)
	}
	for item, err := range b.List(t.Context(), "") {
		t.Errorf("it left %s, %v", item.Name, err)
	}
}

// tierOn gives a tier on a gateway.
func tierOn(t *testing.T, g *gateway.Gateway, key shared.Key) *shared.Tier {
	t.Helper()
	host := shared.Open(open(t, g, "s3://"+gateway.Name+"/p"), shared.Options{Prefix: "p", Key: key, Timeout: 30 * time.Second})
	t.Cleanup(host.Close)
	return host
}

// idOf is that of a payload of a stream.
func idOf(key cache.Key) tier.ID {
	return tier.ID{Key: key, Stream: archive.Stream{Name: "cam", ARN: "arn:aws:kinesisvideo:us-east-1:123456789012:stream/cam/1700000000000", Retention: time.Hour}}
}

// offer has a tier upload a payload, and waits for that.
func offer(t *testing.T, host *shared.Tier, id tier.ID, media []byte) {
	t.Helper()
	before := host.Stats()
	host.Offer(id, offerOf(media))
	for deadline := time.Now().Add(30 * time.Second); host.Stats().Uploaded == before.Uploaded; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not uploaded: %+v", host.Stats())
		}
	}
}

// take reads a payload; nil for a miss.
func take(t *testing.T, host *shared.Tier, id tier.ID) ([]byte, error) {
	t.Helper()
	p := host.Open(t.Context(), id, tier.Fetch{})
	if p == nil {
		return nil, nil
	}
	defer p.Body.Close()
	return io.ReadAll(p.Body)
}

// TestTier: on a real store what one host has offered another reads, of one secret only; a stall and an answer that is none open the
// breaker, which a probe closes; what is damaged is replaced.
func TestTier(t *testing.T) {
	environment(t, gateway.SecretKey)
	g := gateway.Start(t)
	key, err := shared.NewKey(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	first, second, third := tierOn(t, g, key), tierOn(t, g, key), tierOn(t, g, shared.Key{})
	id, media := idOf("p-00112233445566778899aabbccddeeff"), bytes.Repeat([]byte("footage "), 100_000)
	if got, err := take(t, second, id); got != nil || err != nil {
		t.Errorf("an empty bucket: %d bytes, %v", len(got), err)
	}
	offer(t, first, id, media)
	if got, err := take(t, second, id); err != nil || !bytes.Equal(got, media) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got, err := take(t, third, id); got != nil || err != nil {
		t.Errorf("without the secret: %d bytes, %v", len(got), err)
	}
	if s := second.Stats(); s.Cycles != 0 || s.Hits != 1 || s.Misses != 1 {
		t.Errorf("%+v", s)
	}
	for what, fault := range map[string]gateway.Fault{
		"stalled before the body": gateway.Hang, "stalled in the body": gateway.StallAfter(200_000), "slow down": gateway.Answer(http.StatusServiceUnavailable, "SlowDown"),
	} {
		host := shared.Open(open(t, g, "s3://"+gateway.Name), shared.Options{Prefix: "p", Key: key, Timeout: 50 * time.Millisecond})
		g.Set(fault)
		got, err := take(t, host, id)
		if err == nil && got != nil || !bytes.HasPrefix(media, got) {
			t.Errorf("%s: %d bytes, %v", what, len(got), err)
		}
		if s := host.Stats(); s.Cycles != 1 || s.Failed != 1 {
			t.Errorf("%s: %+v", what, s)
		}
		if got, _ := take(t, host, id); got != nil || host.Stats().Skipped != 1 && host.Stats().Cause != nil {
			t.Errorf("%s: the bucket is asked again: %+v", what, host.Stats())
		}
		g.Set(nil)
		for deadline := time.Now().Add(time.Minute); host.Stats().Cause != nil; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the breaker stays open: %+v", what, host.Stats())
			}
		}
		host.Close()
	}
	store := open(t, g, "s3://"+gateway.Name)
	for item, err := range store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		o, err := get(t.Context(), store, item.Name)
		if err != nil {
			t.Fatal(err)
		}
		o[len(o)-1] ^= 1
		if err := put(t.Context(), store, item.Name, o, true); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := take(t, second, id); err == nil || len(got) >= len(media) {
		t.Errorf("damaged: %d bytes, %v", len(got), err)
	}
	offer(t, second, id, media)
	if got, err := take(t, first, id); err != nil || !bytes.Equal(got, media) {
		t.Errorf("replaced: %d bytes, %v", len(got), err)
	}
}

func TestPlaces(t *testing.T) {
	for text, want := range map[string]bucket.Place{
		"s3://footage": {Bucket: "footage"}, "s3://footage/": {Bucket: "footage"}, "s3://my.bucket-1/a/b": {Bucket: "my.bucket-1", Prefix: "a/b"},
	} {
		got, err := bucket.ParsePlace(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := bucket.ParsePlace(got.String()); err != nil || again != got {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
	for _, text := range []string{"", "footage", "s3://", "s3://a", "s3://Footage", "s3://footage/a//b", "s3://footage/../x", "s3://footage/a b", "https://footage", "s3://footage/" + strings.Repeat("a", 300)} {
		if got, err := bucket.ParsePlace(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for text, want := range map[string][2]bool{ // without and with --insecure-endpoint
		"": {true, true}, "https://store.example": {true, true}, "http://127.0.0.1:7070": {true, true}, "http://localhost": {true, true},
		"http://store.example": {false, true}, "ftp://store.example": {}, "https://me:secret@store.example": {}, "store.example": {},
	} {
		for i, insecure := range []bool{false, true} {
			err := bucket.CheckEndpoint(text, insecure)
			if (err == nil) != want[i] || err != nil && strings.Contains(err.Error(), "secret@") {
				t.Errorf("%q, insecure %t: %v", text, insecure, err)
			}
		}
	}
}
