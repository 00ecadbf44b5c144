//go:build e2e

package e2e_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// killsVariable says how often TestKilledInTheMiddle kills; .ci/kill sets it.
const killsVariable = "E2E_KILLS"

// kills is how often it does if nothing is said.
const kills = 4

// TestKilledInTheMiddle: a mount that is killed while everybody reads can be mounted again at once, where it was; its cache
// verifies, and no byte that anybody ever gets is wrong.
func TestKilledInTheMiddle(t *testing.T) {
	rounds := kills
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", killsVariable, err)
		}
	}
	// Slow enough that downloads are under way at any time, and a cache so small that entries come and go.
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off", "--bandwidth", "2MB/s")
	source := newSource(t, e, []string{"testcard"})
	flags := []string{"--cache-size", "6MiB", "--memory", "8MiB"}
	m := harness.StartMount(t, e, flags...)
	var reads, failures atomic.Int64
	for round := range rounds {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for reader := range 16 {
			random := rand.New(rand.NewPCG(uint64(round), uint64(reader)))
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					clip := source.clips[random.IntN(len(source.clips))]
					switch err := clip.readSome(m, random); {
					case err == nil:
						reads.Add(1)
					case isWrong(err):
						t.Errorf("round %d: %v", round, err)
					default: // it was killed
						failures.Add(1)
					}
				}
			})
		}
		time.Sleep(time.Duration(50+rand.IntN(900)) * time.Millisecond) // the moment is to be any
		m.Kill(t)
		close(stop)
		wg.Wait()
		begun := time.Now()
		m = harness.Remount(t, m, e, flags...)
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("round %d: mounting again took %s", round, took)
		}
		out, err := exec.CommandContext(t.Context(), harness.Binary(t), "cache", "verify", "--cache-dir", m.Cache).CombinedOutput()
		if err != nil {
			t.Errorf("round %d: cache verify: %v\n%s", round, err, out)
		}
		clip := source.clips[round%len(source.clips)]
		if got, err := os.ReadFile(m.Join(clip.path)); err != nil || !bytes.Equal(got, clip.bytes) {
			t.Errorf("round %d: after it %s has %d bytes, %v", round, clip.path, len(got), err)
		}
		if t.Failed() {
			return
		}
	}
	if reads.Load() == 0 {
		t.Error("nothing was read")
	}
	t.Logf("killed %d times; %d reads were right, %d failed as the mount was gone", rounds, reads.Load(), failures.Load())
}
