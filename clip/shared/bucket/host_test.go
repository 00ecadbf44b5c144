package bucket_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip/shared"
	"clipfs/clip/shared/bucket"
	"clipfs/clip/shared/gateway"
	"clipfs/clip/tier"
)

// hostVariable has this program be another host of the fleet: what it does, and the URL of the store.
const hostVariable = "CLIPFS_TEST_HOST"

// hostKey is the key of what that host fetches, hostMedia what it uploads of it.
const hostKey = cache.Key("p-ffeeddccbbaa99887766554433221100")

func hostMedia() []byte { return bytes.Repeat([]byte("footage "), 1_000_000) }

func TestMain(m *testing.M) {
	if does, url, ok := strings.Cut(os.Getenv(hostVariable), " "); ok {
		os.Exit(beHost(does, url))
	}
	os.Exit(m.Run())
}

// beHost is a host that takes a lease, or uploads, and then waits until it is killed or its input ends.
func beHost(does, url string) int {
	ctx := context.Background()
	b, err := bucket.Open(ctx, bucket.Place{Bucket: gateway.Name}, bucket.Options{Logger: slog.New(slog.DiscardHandler), Endpoint: url, PathStyle: true})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	host := shared.Open(b, shared.Options{Prefix: "p", Timeout: time.Minute})
	if p := host.Open(ctx, idOf(hostKey), tier.Fetch{Whole: func() bool { return true }}); p != nil {
		fmt.Println("it is there")
		return 1
	}
	if does == "upload" {
		media := hostMedia()
		host.Offer(idOf(hostKey), offerOf(media))
	}
	fmt.Println("mine")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// offerOf offers a payload of these bytes.
func offerOf(media []byte) tier.Offer {
	return tier.Offer{
		Size:    int64(len(media)),
		Content: func() (io.ReaderAt, func(), error) { return bytes.NewReader(media), func() {}, nil },
		Confirm: func(context.Context) (tier.Confirmed, error) {
			return tier.Confirmed{Identity: tier.Identity{Size: int64(len(media)), Understood: true}, Ingested: time.Now(), Start: time.Now(), End: time.Now()}, nil
		},
	}
}

// startHost starts a host in a process of its own, and waits until it has the lease.
func startHost(t *testing.T, g *gateway.Gateway, does string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), hostVariable+"="+does+" "+g.URL)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "mine\n" {
		t.Fatalf("the other host says %q, %v", line, err)
	}
	return cmd
}

// TestHolderThatStops: where the process that holds a lease is stopped or killed, another host takes the lease over, once, and what it
// uploads is there for the others; the one that was stopped is not waited for when it goes on.
func TestHolderThatStops(t *testing.T) {
	environment(t, gateway.SecretKey)
	var both sync.WaitGroup
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		g := gateway.Start(t)
		other := startHost(t, g, "lease")
		if err := other.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		var fetches atomic.Int32
		var hosts sync.WaitGroup
		for range 3 {
			// A time-out that no request takes on a busy machine.
			host := shared.Open(open(t, g, "s3://"+gateway.Name), shared.Options{Prefix: "p", Timeout: 10 * time.Second})
			t.Cleanup(host.Close)
			hosts.Go(func() {
				p := host.Open(t.Context(), idOf(hostKey), tier.Fetch{Whole: func() bool { return true }})
				if p == nil {
					fetches.Add(1)
					host.Offer(idOf(hostKey), offerOf(hostMedia()))
					return
				}
				defer p.Body.Close()
				if got, err := io.ReadAll(p.Body); err != nil || !bytes.Equal(got, hostMedia()) {
					t.Errorf("%s: %d bytes, %v", signal, len(got), err)
				}
			})
		}
		last := tierOn(t, g, shared.Key{})
		both.Go(func() {
			hosts.Wait()
			if n := fetches.Load(); n != 1 {
				t.Errorf("%s: %d hosts fetch", signal, n)
			}
			if err := other.Process.Signal(syscall.SIGCONT); err != nil && signal == syscall.SIGSTOP {
				t.Error(err)
			}
			if got, err := take(t, last, idOf(hostKey)); err != nil || !bytes.Equal(got, hostMedia()) {
				t.Errorf("%s: in the end %d bytes, %v", signal, len(got), err)
			}
		})
	}
	both.Wait()
}

// TestHostKilledInUpload: a look for what a host uploads is a miss at once; of what a host uploads that is killed in the middle of it
// nothing is there, and another host uploads it.
func TestHostKilledInUpload(t *testing.T) {
	environment(t, gateway.SecretKey)
	g := gateway.Start(t)
	half, gone := make(chan struct{}), make(chan struct{})
	g.Set(func(x *gateway.Exchange) bool {
		if x.Method == http.MethodPut && strings.Contains(x.URL.Path, "/m/") {
			x.Body = &halted{ReadCloser: x.Body, left: 4_000_000, half: half, gone: gone}
		}
		return false
	})
	other := startHost(t, g, "upload")
	<-half
	during := shared.Open(open(t, g, "s3://"+gateway.Name), shared.Options{Prefix: "p", Timeout: 10 * time.Second})
	t.Cleanup(during.Close)
	if got, err := take(t, during, idOf(hostKey)); got != nil || err != nil || during.Stats().Misses != 1 {
		t.Errorf("a look during the upload: %d bytes, %v, %+v", len(got), err, during.Stats())
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	g.Set(nil)
	close(gone)
	host := tierOn(t, g, shared.Key{})
	if got, err := take(t, host, idOf(hostKey)); got != nil || err != nil {
		t.Errorf("%d bytes are there, %v", len(got), err)
	}
	offer(t, host, idOf(hostKey), hostMedia())
	if got, err := take(t, host, idOf(hostKey)); err != nil || !bytes.Equal(got, hostMedia()) {
		t.Errorf("uploaded by another host: %d bytes, %v", len(got), err)
	}
	media := 0
	for item, err := range open(t, g, "s3://"+gateway.Name).List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if path.Base(item.Name) == string(hostKey) {
			media++
		}
	}
	if media != 1 {
		t.Errorf("there are %d objects of it", media)
	}
}

// halted is a body that is half read when its sender ends.
type halted struct {
	io.ReadCloser
	left       int64
	half, gone chan struct{}
}

// Read implements io.Reader.
func (h *halted) Read(p []byte) (int, error) {
	if h.left <= 0 {
		select {
		case <-h.half:
		default:
			close(h.half)
		}
		<-h.gone
		return 0, io.ErrUnexpectedEOF
	}
	n, err := h.ReadCloser.Read(p[:min(int64(len(p)), h.left)])
	h.left -= int64(n)
	return n, err
}

// TestStoreThatIsFull: a store that takes no object any more is read all the same, and what it did not take is not there.
func TestStoreThatIsFull(t *testing.T) {
	environment(t, gateway.SecretKey)
	g := gateway.Start(t)
	host := tierOn(t, g, shared.Key{})
	first, second, media := idOf("p-00112233445566778899aabbccddeeff"), idOf(hostKey), hostMedia()
	offer(t, host, first, media)
	g.Set(gateway.Only(http.MethodPut, gateway.Answer(http.StatusInsufficientStorage, "InternalError")))
	host.Offer(second, offerOf(media))
	await(t, host, func(s shared.Stats) bool { return s.UploadFailed == 1 })
	if s := host.Stats(); s.NoUploads == nil || s.Cause != nil {
		t.Errorf("uploads are to end and reads are not: %+v", s)
	}
	if got, err := take(t, host, first); err != nil || !bytes.Equal(got, media) {
		t.Errorf("what is there: %d bytes, %v", len(got), err)
	}
	if got, err := take(t, host, second); got != nil || err != nil {
		t.Errorf("what it did not take: %d bytes, %v", len(got), err)
	}
	host.Offer(second, offerOf(media)) // which is not tried
	g.Set(nil)
	await(t, host, func(s shared.Stats) bool { return s.NoUploads == nil }) // a probe was written
	offer(t, host, second, media)
	if got, err := take(t, host, second); err != nil || !bytes.Equal(got, media) {
		t.Errorf("once there is space: %d bytes, %v", len(got), err)
	}
	if s := host.Stats(); s.Cycles != 0 || s.Skipped != 0 || s.Dropped != 1 {
		t.Errorf("%+v", s)
	}
}

// TestFleetsSideBySide: hosts with another secret, or none, write beside each other and over nothing.
func TestFleetsSideBySide(t *testing.T) {
	environment(t, gateway.SecretKey)
	g := gateway.Start(t)
	id := idOf(hostKey)
	var hosts []*shared.Tier
	for _, secret := range []string{"", "a", "b"} {
		key := shared.Key{}
		if secret != "" {
			var err error
			if key, err = shared.NewKey([]byte(strings.Repeat(secret, 32))); err != nil {
				t.Fatal(err)
			}
		}
		hosts = append(hosts, tierOn(t, g, key))
	}
	for i, host := range hosts {
		offer(t, host, id, bytes.Repeat([]byte{byte(i)}, 100_000))
	}
	for i, host := range hosts {
		if got, err := take(t, host, id); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, 100_000)) {
			t.Errorf("fleet %d: %d bytes, %v", i, len(got), err)
		}
		if s := host.Stats(); s.Damaged != 0 || s.There != 0 || s.Uploaded != 1 {
			t.Errorf("fleet %d: %+v", i, s)
		}
	}
}

// await waits until a tier says so.
func await(t *testing.T, host *shared.Tier, says func(shared.Stats) bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !says(host.Stats()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", host.Stats())
		}
	}
}
