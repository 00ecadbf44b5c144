//go:build e2e

package e2e_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/clip/emulator/control"
	"clipfs/clip/shared/gateway"
	"clipfs/cmd/internal/harness"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
)

// sharing gives the flags of a host of a fleet.
func sharing(t *testing.T, g *gateway.Gateway, more ...string) []string {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, bytes.Repeat([]byte("k"), 64), 0o600); err != nil {
		t.Fatal(err)
	}
	return append([]string{
		"--shared-cache", "s3://" + gateway.Name + "/fleet", "--shared-endpoint-url", g.URL, "--shared-path-style", "--shared-key-file", secret,
		"--shared-timeout", "30s", // however busy this machine is
	}, more...)
}

// sharedStatus is what status.json says of a shared cache.
type sharedStatus struct {
	Shared struct {
		Up, Writable  bool
		WriteProblem  string  `json:"write_problem"`
		Read          float64 `json:"read_bytes"`
		Waiting       float64 `json:"waiting_bytes"`
		Looks, Offers map[string]float64
	}
}

func statusOfShared(t *testing.T, m *harness.Mount) (s sharedStatus) {
	t.Helper()
	text, err := os.ReadFile(m.Join(".clipfs", "status.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFleet: what one host has read another, whose cache is cold, reads without a GetClip call, at any length that shares its parts;
// the commands that look into the bucket tell of it, and a bucket that is gone costs no byte.
func TestFleet(t *testing.T) {
	g := gateway.Start(t)
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	hour := filepath.Join("testcard", nameOf(time.Now().UTC().Add(-4*time.Hour).Truncate(time.Hour)))
	flags := sharing(t, g)
	first := harness.StartMount(t, e, flags...)
	want, err := os.ReadFile(first.Join(hour, "30m.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	const parts = 30
	eventually(t, "all parts and their heads are shared", func() bool {
		s := statusOfShared(t, first).Shared
		return s.Offers["written"] >= 2*parts && s.Waiting == 0
	})
	before, listed := e.Calls(t, "GetClip"), sentBy(t, e, "ListFragments")
	second := harness.StartMount(t, e, flags...)
	got, err := os.ReadFile(second.Join(hour, "30m.mp4"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the second host: %d bytes of %d, %v", len(got), len(want), err)
	}
	if n := e.Calls(t, "GetClip") - before; n != 0 {
		t.Errorf("the second host made %d GetClip calls:\n%s", n, second.Log())
	}
	if s := statusOfShared(t, second).Shared; !s.Up || !s.Writable || s.Read < float64(len(want))*0.9 || s.Looks["damaged"]+s.Looks["failed"] > 0 {
		t.Errorf("the second host says %+v", s)
	}
	// What it lists is what has come since, not the hour.
	again := sentBy(t, e, "ListFragments")
	t.Logf("the first host listed %d fragments in %d calls, the second %d in %d", listed.Fragments, listed.Calls, again.Fragments-listed.Fragments, again.Calls-listed.Calls)
	look := append([]string{"shared", "ls"}, flags[:len(flags)-2]...) // a look has no time limit
	table := string(harness.Run(t, harness.Binary(t), look...))
	if !strings.Contains(table, "/testcard/") || !strings.Contains(table, "1m0s") {
		t.Errorf("clipfs shared ls:\n%s", table)
	}
	look[1] = "verify"
	if text := string(harness.Run(t, harness.Binary(t), look...)); !strings.Contains(text, "nothing is damaged") {
		t.Errorf("clipfs shared verify: %s", text)
	}
	g.Set(gateway.Reset)
	third := harness.StartMount(t, e, flags...)
	if got, err := os.ReadFile(third.Join(hour, "30m.mp4")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("without the bucket: %d bytes of %d, %v", len(got), len(want), err)
	}
	if s := statusOfShared(t, third).Shared; s.Up || s.Looks["failed"] == 0 {
		t.Errorf("without the bucket: %+v", s)
	}
	g.Set(gateway.Only(http.MethodPut, gateway.Answer(http.StatusForbidden, "AccessDenied")))
	if _, err := os.ReadFile(second.Join(filepath.Dir(hour), nameOf(time.Now().UTC().Add(-5*time.Hour).Truncate(time.Hour)), "1m.mp4")); err != nil {
		t.Errorf("where nothing may be written: %v", err)
	}
	eventually(t, "it is told that nothing may be written", func() bool {
		s := statusOfShared(t, second).Shared
		return s.Up && !s.Writable && strings.Contains(s.WriteProblem, "AccessDenied")
	})
	g.Set(nil)
	eventually(t, "it is told that something may", func() bool { return statusOfShared(t, second).Shared.Writable })
	clearExpired(t, e, second, parts)
	// The fragment that doctor reads is shared too, and may be a minute old or a day: only now does nothing count what is shared.
	defer func() {
		told, _, _ := harness.TryRun(t, harness.Binary(t), "doctor", first.Path)
		if text := string(told); !strings.Contains(text, "hosts share that have --part 1m0s and --gap 1s too") || !strings.Contains(text, "; key ") {
			t.Errorf("clipfs doctor:\n%s", text)
		}
	}()
	if !g.Plain { // what is in its bucket cannot be made to look older
		return
	}
	clearSilent(t, g, second)
	if got, err := os.ReadFile(second.Join(filepath.Dir(hour), nameOf(time.Now().UTC().Add(-30*time.Minute).Truncate(time.Minute)), "1m.mp4")); err != nil || len(got) == 0 {
		t.Errorf("once all is cleared: %d bytes, %v", len(got), err)
	}
	eventually(t, "it shares again", func() bool { return len(objectsOf(t, g)) >= 3 }) // a part, its head, leases
}

// objectsOf gives the names of all that is in the bucket.
func objectsOf(t *testing.T, g *gateway.Gateway) (names []string) {
	t.Helper()
	names, err := g.Objects()
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// clearSilent: leases and beats, which are all that is left, go once nobody has rewritten them for a day.
func clearSilent(t *testing.T, g *gateway.Gateway, m *harness.Mount) {
	t.Helper()
	left := objectsOf(t, g)
	all := strings.Join(left, " ")
	if !strings.Contains(all, "/l/") || !strings.Contains(all, "/hosts/") || strings.Contains(all, "/m/") {
		t.Errorf("what is not footage: %q", left)
	}
	for _, test := range []struct {
		age  time.Duration
		want int
	}{{23 * time.Hour, 0}, {2 * time.Hour, len(left)}} {
		if err := g.Age(test.age); err != nil {
			t.Fatal(err)
		}
		if text := string(harness.Run(t, harness.Binary(t), "shared", "clear", m.Path)); !strings.HasPrefix(text, fmt.Sprintf("%d objects removed", test.want)) {
			t.Errorf("clipfs shared clear, %s later: %s; want %d objects", test.age, text, test.want)
		}
	}
	if left := objectsOf(t, g); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

// clearExpired: what is expired goes by the retention of now, and nothing before that is over. Endpoint and bucket are those of the mount.
func clearExpired(t *testing.T, e *harness.Emulator, m *harness.Mount, parts int) {
	t.Helper()
	remove := []string{"shared", "clear", "--expired", m.Path}
	if text := string(harness.Run(t, harness.Binary(t), remove...)); !strings.HasPrefix(text, "0 objects removed") {
		t.Errorf("clipfs shared clear --expired, where nothing is: %s", text)
	}
	now, err := controlOf(e).DescribeStream(t.Context(), &kinesisvideo.DescribeStreamInput{StreamName: aws.String("testcard")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := controlOf(e).UpdateDataRetention(t.Context(), &kinesisvideo.UpdateDataRetentionInput{
		StreamName: aws.String("testcard"), CurrentVersion: now.StreamInfo.Version, Operation: types.UpdateDataRetentionOperationDecreaseDataRetention,
		DataRetentionChangeInHours: aws.Int32(*now.StreamInfo.DataRetentionInHours - 1),
	}); err != nil {
		t.Fatal(err)
	}
	text := string(harness.Run(t, harness.Binary(t), remove...))
	objects, _ := strconv.Atoi(strings.Fields(text)[0])
	left := string(harness.Run(t, harness.Binary(t), "shared", "ls", m.Path))
	if objects < 2*parts || !strings.HasPrefix(left[strings.LastIndex(strings.TrimSpace(left), "\n")+1:], "0 objects") {
		t.Errorf("clipfs shared clear --expired: %s; left are\n%s", text, left)
	}
}

// TestFleetAtOnce: mounts with caches of their own that read the same cold footage at once take from the archive what one alone takes.
// CLIPFS_FLEET is how many there are, CLIPFS_FLEET_LENGTH how much they read. What the test in package clip holds to the byte can be a
// little more here, where a machine is so busy that a host that is at it does not say so in time.
func TestFleetAtOnce(t *testing.T) {
	hosts, length, most := 4, cmp.Or(os.Getenv("CLIPFS_FLEET_LENGTH"), "10m"), int64(15)
	if n, err := strconv.Atoi(os.Getenv("CLIPFS_FLEET")); err == nil {
		hosts, most = n, 11
	}
	g := gateway.Start(t)
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	clip := filepath.Join("testcard", nameOf(time.Now().UTC().Add(-4*time.Hour).Truncate(time.Hour)), length+".mp4")
	want, err := os.ReadFile(harness.StartMount(t, e).Join(clip))
	if err != nil {
		t.Fatal(err)
	}
	alone := sentBy(t, e, "GetClip")
	flags := sharing(t, g)
	mounts := make([]*harness.Mount, hosts)
	for i := range mounts {
		mounts[i] = harness.StartMount(t, e, flags...)
	}
	var wg sync.WaitGroup
	for i, m := range mounts {
		wg.Go(func() {
			if got, err := os.ReadFile(m.Join(clip)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("host %d: %d bytes of %d, %v", i, len(got), len(want), err)
			}
		})
	}
	wg.Wait()
	together := sentBy(t, e, "GetClip")
	together.Calls, together.Bytes = together.Calls-alone.Calls, together.Bytes-alone.Bytes
	t.Logf("one alone: %d calls, %d bytes; %d together: %d calls, %d bytes", alone.Calls, alone.Bytes, hosts, together.Calls, together.Bytes)
	if together.Bytes > alone.Bytes*most/10 {
		t.Errorf("%d hosts took %d bytes in %d calls; one alone took %d in %d", hosts, together.Bytes, together.Calls, alone.Bytes, alone.Calls)
	}
}

// TestWarmShared: clipfs warm --shared-only puts clips into the bucket, with one fetch, and nothing of them on this disk; a host that reads
// them makes no GetClip call, and the command has nothing to do after that. It says what it cannot share.
func TestWarmShared(t *testing.T) {
	g := gateway.Start(t)
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	flags := sharing(t, g)
	m := harness.StartMount(t, e, flags...)
	clip := filepath.Join("testcard", nameOf(time.Now().UTC().Add(-4*time.Hour).Truncate(time.Hour)), "10m.mp4")
	missing := func() string { return xattr(t, m.Join(clip), "user.clipfs.missing") }
	before := missing()
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	for i, want := range []string{"1 clips, 10 parts in the shared cache: 10 put there, 0 were there", "1 clips, 10 parts in the shared cache: 0 put there, 10 were there"} {
		calls := e.Calls(t, "GetClip")
		out, text, err := harness.TryRun(t, harness.Binary(t), "warm", "--shared-only", m.Join(clip))
		if err != nil || !strings.HasPrefix(string(out), want) {
			t.Fatalf("%v, %s%s, want %q", err, out, text, want)
		}
		if n := e.Calls(t, "GetClip") - calls; n != int64(10*(1-i)) {
			t.Errorf("run %d made %d GetClip calls", i, n)
		}
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	if now := missing(); now != before || now == "0" {
		t.Errorf("%s bytes are not in the cache of the mount, %s before", now, before)
	}
	calls := e.Calls(t, "GetClip")
	got, err := os.ReadFile(harness.StartMount(t, e, flags...).Join(clip))
	if n := e.Calls(t, "GetClip") - calls; err != nil || n != 0 {
		t.Errorf("the host that reads: %v, %d GetClip calls", err, n)
	}
	if want, err := os.ReadFile(harness.StartMount(t, e).Join(clip)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
	cover := filepath.Join("testcard", nameOf(time.Now().UTC().Add(-4*time.Hour).Truncate(time.Hour).Add(30*time.Minute+700*time.Millisecond)), "1m.cover.mp4")
	if out, text, err := harness.TryRun(t, harness.Binary(t), "warm", "--shared-only", m.Join(cover)); err != nil {
		t.Fatalf("%v, %s%s", err, out, text)
	}
	calls = e.Calls(t, "GetClip")
	if _, err := os.ReadFile(harness.StartMount(t, e, flags...).Join(cover)); err != nil {
		t.Error(err)
	}
	if n := e.Calls(t, "GetClip") - calls; n != 0 {
		t.Errorf("the host that reads a cover clip makes %d GetClip calls", n)
	}
	_, text, err := harness.TryRun(t, harness.Binary(t), "warm", "--shared-only", m.Join("testcard/last/1m.mp4"))
	if err == nil || !strings.Contains(string(text), "are not shared") {
		t.Errorf("the newest minute: %v, %s", err, text)
	}
}

// sentBy tells how often an operation was asked for and how many bytes of answers it sent.
func sentBy(t *testing.T, e *harness.Emulator, api string) (sum control.CallCount) {
	t.Helper()
	for _, c := range e.Counts(t) {
		if c.API == api {
			sum.Calls += c.Calls
			sum.Bytes += c.Bytes
		}
	}
	return sum
}
