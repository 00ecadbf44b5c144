package fleet

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Bucket is the bucket that a Store has.
const Bucket = name

// Credentials gives the access key and the secret that a Store takes.
func Credentials() (key, secretKey string) { return accessKey, secret }

// Place has the bucket have the bytes of a file as an object of a name. It makes no request: they are copied to where the store keeps
// its objects.
func (s *Store) Place(object, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read from
	out, err := os.Create(filepath.Join(s.dir, "objects", name, object))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
