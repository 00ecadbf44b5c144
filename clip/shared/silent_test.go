package shared_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
)

// TestSilent: leases and beats are silent once no host has rewritten them for a day, footage never is. Where they are removed, the hosts
// that wrote them fetch for each other as before.
func TestSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := memory.New(), secret(t, "a")
		hosts := make([]*shared.Tier, 2)
		for i := range hosts {
			hosts[i] = open(t, b, shared.Options{Prefix: "p", Key: k})
		}
		open(t, b, shared.Options{Prefix: "p"}) // without the secret: a folder of its own
		silent := func() (names []string) {
			t.Helper()
			for e, err := range shared.Silent(t.Context(), b, "p", k) {
				if err != nil {
					t.Fatal(err)
				}
				if stream := string(e.Name.StreamName()); strings.Contains(e.Item.Name, "/hosts/") != (stream == "") {
					t.Errorf("%s is of stream %q", e.Item.Name, stream)
				}
				names = append(names, e.Item.Name)
			}
			return names
		}
		fetched := func() {
			t.Helper()
			if fetch, _ := wants(t, hosts[0], always); !fetch {
				t.Error("the first host does not fetch")
			}
			done := make(chan bool)
			go func() {
				fetch, _ := wants(t, hosts[1], always)
				done <- fetch
			}()
			time.Sleep(3 * time.Second)
			hosts[0].Offer(someID(), offerOf(shared.Block))
			if <-done {
				t.Error("the second host fetches what the first one does")
			}
			time.Sleep(3 * time.Second)
		}
		fetched()
		if names := silent(); len(names) != 0 {
			t.Errorf("at once silent are %q", names)
		}
		time.Sleep(25 * time.Hour)
		names := silent()
		if kinds := strings.Join(names, " "); !strings.Contains(kinds, "/l/") || !strings.Contains(kinds, "/hosts/") || strings.Contains(kinds, "/m/") {
			t.Errorf("a day later silent are %q", names)
		}
		for _, name := range append(slices.Clone(names), b.Names("/m/")...) {
			if err := b.Delete(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		fetched()
	})
}
