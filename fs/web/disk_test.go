package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/fs/tree"
	"clipfs/fs/web"
)

// kernel is an answer to a client whose connection takes bytes from the disk, and counts them.
type kernel struct {
	*httptest.ResponseRecorder
	handed int64
}

// ReadFrom implements io.ReaderFrom.
func (k *kernel) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(struct{ io.Writer }{k.ResponseRecorder}, r)
	k.handed += n
	return n, err
}

// overDisk gives a handler on a cache in a directory, and how it answers.
func overDisk(t *testing.T, service *memory.Archive, dir string) func(path, ranges string) *kernel {
	t.Helper()
	c, err := cache.Open(dir, cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	h, err := web.New(tree.New(clip.NewLibrary(service, c, clip.Options{}), tree.Options{}), web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return func(path, ranges string) *kernel {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, path, nil).WithContext(t.Context())
		r.Host = "localhost"
		if ranges != "" {
			r.Header.Set("Range", ranges)
		}
		k := &kernel{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(k, r)
		return k
	}
}

// TestFromDisk: what is in the cache is handed on from there, whole and in ranges, of one part and of many, before a restart and after it.
func TestFromDisk(t *testing.T) {
	service, dir := recorded(), t.TempDir()
	for run := range 2 {
		t.Run(strconv.Itoa(run), func(t *testing.T) {
			get := overDisk(t, service, dir)
			for _, name := range []string{"1m.mp4", "10m.mp4"} {
				first := get(at+name, "")
				want := first.Body.String()
				again := get(at+name, "")
				if again.Code != http.StatusOK || again.Body.String() != want {
					t.Fatalf("%s: %d, %d bytes, want %d", name, again.Code, again.Body.Len(), len(want))
				}
				if name == "1m.mp4" && again.handed != int64(len(want)) || again.handed == 0 {
					t.Errorf("%s: %d of %d bytes are handed on", name, again.handed, len(want))
				}
				part := get(at+name, "bytes=100-299")
				if part.Body.String() != want[100:300] || name == "1m.mp4" && part.handed != 200 {
					t.Errorf("%s: a range has %d bytes, %d of them handed on", name, part.Body.Len(), part.handed)
				}
			}
			if got := get(at+"1m.json", ""); got.handed != 0 || got.Code != http.StatusOK {
				t.Errorf("%d, %d bytes of a text are handed on from the disk", got.Code, got.handed)
			}
		})
	}
	if payloads, _, _ := service.Calls(); payloads > 12 {
		t.Errorf("%d GetClip calls", payloads)
	}
}

// TestDiskFails: what can be handed on no longer when it is to be is read, and fetched again where it has to be.
func TestDiskFails(t *testing.T) {
	service, dir := recorded(), t.TempDir()
	get := overDisk(t, service, dir)
	want := get(at+"1m.mp4", "").Body.String()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
			if info, err := d.Info(); err == nil && info.Size() > int64(len(want)) {
				return os.Truncate(path, int64(len(want))/2)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := get(at+"1m.mp4", ""); got.Code != http.StatusOK || got.Body.String() != want {
		t.Errorf("of a file that another program has cut: %d, %d bytes, want %d", got.Code, got.Body.Len(), len(want))
	}
	service.RefusePayload = func(int) error { return archive.ErrDenied }
	if got := get(at+"1m.mp4", ""); got.Code != http.StatusOK || got.Body.String() != want || got.handed != int64(len(want)) {
		t.Errorf("fetched again: %d, %d bytes, %d of them handed on", got.Code, got.Body.Len(), got.handed)
	}
}
