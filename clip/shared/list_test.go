package shared_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
)

// TestListAndVerify: a listing tells of all objects of a key, and reading all of each finds what is damaged.
func TestListAndVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := memory.New(), secret(t, "a")
		for i, own := range []shared.Key{k, k, {}} {
			host := open(t, b, shared.Options{Prefix: "p", Key: own})
			id := someID()
			id.Key += "-" + key(i)
			host.Offer(id, offerOf(2*shared.Block))
			synctest.Wait()
		}
		b.Edit("-b", func(o []byte) []byte {
			o[len(o)-1] ^= 1
			return o
		})
		for _, test := range []struct {
			all     int
			damaged int
			verify  bool
		}{{2, 0, false}, {2, 1, true}} {
			list := shared.List
			if test.verify {
				list = shared.Verify
			}
			all, damaged := 0, 0
			for e, err := range list(t.Context(), b, "p", k) {
				if err != nil {
					t.Fatal(err)
				}
				all++
				if errors.Is(e.Err, shared.ErrObject) {
					damaged++
				}
				if e.Header.Payload != 2*shared.Block || e.Name.Stream != someName().Stream || e.Size <= 2*shared.Block {
					t.Errorf("%+v", e)
				}
			}
			if all != test.all || damaged != test.damaged {
				t.Errorf("verify %t: %d objects, %d damaged, want %d and %d", test.verify, all, damaged, test.all, test.damaged)
			}
		}
	})
}
