package bucket_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"clipfs/clip/shared"
	"clipfs/clip/shared/bucket"
	"clipfs/clip/shared/gateway"
	"clipfs/clip/tier"
)

// TestVersionsSideBySide: objects of another version of the format, and of another key, are neither read nor written by hosts of this one, which
// find nothing there and share beside them.
func TestVersionsSideBySide(t *testing.T) {
	environment(t, gateway.SecretKey)
	g := gateway.Start(t)
	raw := open(t, g, "s3://"+gateway.Name)
	id, media := idOf(hostKey), hostMedia()
	offer(t, tierOn(t, g, shared.Key{}), id, media)
	var others []string
	for _, root := range []string{"p/v0/", "p/v2/", "p/v10/", "p/v1-00c0ffee/"} {
		for e, err := range shared.Names(t.Context(), raw, "p", shared.Key{}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{"/m/", "/h/", "/l/", "/t/"} {
				others = append(others, root+strings.Replace(e.Name.String(), "/m/", kind, 1))
			}
		}
		others = append(others, root+"hosts/AAAAAAAAAAAAAAAAAAAAAAAAAA")
	}
	for _, name := range others {
		if err := put(t.Context(), raw, name, []byte("of another version: "+name), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := raw.Delete(t.Context(), "p/v1/"+nameOfMedia(t, raw)); err != nil {
		t.Fatal(err)
	}
	var wrong sync.Map
	g.Set(func(x *gateway.Exchange) bool {
		if path := strings.TrimPrefix(x.URL.Path, "/"+gateway.Name+"/"); strings.HasPrefix(path, "p/") && !strings.HasPrefix(path, "p/v1/") {
			wrong.Store(x.Method+" "+path, true)
		}
		return false
	})
	first, second := tierOn(t, g, shared.Key{}), tierOn(t, g, shared.Key{})
	if p := first.Open(t.Context(), id, tier.Fetch{Whole: func() bool { return true }}); p != nil {
		t.Error("what is of another version was found")
	}
	if head := first.Head(t.Context(), id); head != nil {
		t.Error("a head of another version was found")
	}
	first.Abandon(id, true)
	offer(t, first, id, media)
	if got, err := take(t, second, id); err != nil || !bytes.Equal(got, media) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if s := second.Stats(); s.Damaged != 0 || s.Cycles != 0 || s.Hits != 1 {
		t.Errorf("%+v", s)
	}
	wrong.Range(func(request, _ any) bool {
		t.Errorf("a host asked for what is of another version: %s", request)
		return true
	})
	g.Set(nil)
	for _, name := range others {
		if got, err := get(t.Context(), raw, name); err != nil || string(got) != "of another version: "+name {
			t.Errorf("%s is %q now, %v", name, got, err)
		}
	}
	nameOfMedia(t, raw) // the listing of this version has just its own
}

// nameOfMedia gives the name of the only payload of this version.
func nameOfMedia(t *testing.T, b *bucket.Bucket) string {
	t.Helper()
	var names []string
	for e, err := range shared.List(t.Context(), b, "p", shared.Key{}) {
		if err != nil || e.Err != nil {
			t.Errorf("%s: %v %v", e.Item.Name, err, e.Err)
		}
		names = append(names, e.Name.String())
	}
	if len(names) != 1 {
		t.Fatalf("listed: %q", names)
	}
	return names[0]
}
