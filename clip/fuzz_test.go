package clip_test

import (
	"path/filepath"
	"testing"

	"clipfs/clip/archive"
)

// FuzzStreamName: a name that is valid is one element of a path, of bytes that no terminal or file system minds.
func FuzzStreamName(f *testing.F) {
	f.Add("front-door")
	f.Fuzz(func(t *testing.T, name string) {
		if !archive.StreamName(name).Valid() {
			return
		}
		if filepath.Base(name) != name || name == "." || name == ".." || len(name) > 256 || !filepath.IsLocal(name) {
			t.Errorf("%q is valid", name)
		}
		for _, c := range []byte(name) {
			if c <= ' ' || c >= 0x7f {
				t.Errorf("%q is valid", name)
			}
		}
	})
}
