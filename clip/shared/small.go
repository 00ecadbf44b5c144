package shared

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // see sumOf
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
)

// write writes a small object on a condition, and gives its ETag.
func (l *leases) write(ctx context.Context, name string, text any, on Condition) (etag string, err error) {
	b, err := json.Marshal(text)
	if err != nil {
		return "", err
	}
	if etag, err = l.bucket.Put(ctx, name, bytes.NewReader(b), int64(len(b)), on); err == nil {
		l.opaque.Store(etag != sumOf(b))
		l.sums.Store(etag == sumOf(b))
	}
	return etag, err
}

// sumOf gives the ETag that most stores give what is written at once and not encrypted.
func sumOf(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // it is what stores say, and keeps nobody out
	return strconv.Quote(hex.EncodeToString(sum[:]))
}

// readTries is how often a small object is read whose ETag does not seem to be of what came: Versity S3 Gateway gives the ETag of one version of an
// object with the bytes of another one while it is replaced, and a write on the condition of that ETag would undo what stands there. Where
// none of so many is, the store's ETags say nothing of the bytes, unless this host has seen that they do, by what it has written or read: then it reads on
// for as long as a request may take. tornPause is before the second, and twice as long before each one after that.
const (
	readTries = 4
	tornPause = 5 * time.Millisecond
)

// errTorn: the ETag was not of what came, each time.
var errTorn = errors.New("an ETag that is not of the bytes")

// read reads a small object. What is none, or too large, leaves text as it is.
func (l *leases) read(name string, most int64, text any) (etag string, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout)
	defer cancel()
	before := ""
	for tries, pause := 1, tornPause; ; tries, pause = tries+1, 2*pause {
		var b []byte
		if b, etag, err = l.get(ctx, name, most); err != nil {
			return "", err
		}
		came, right := etag+string(b), etag == sumOf(b)
		if right {
			l.sums.Store(true)
		}
		if right || l.opaque.Load() || !l.sums.Load() && (came == before || tries == readTries) {
			_ = json.Unmarshal(b, text) // what is none says nothing
			return etag, nil
		}
		before = came
		if left, _ := ctx.Deadline(); time.Until(left) <= pause {
			return "", errTorn
		}
		l.rest(pause, nil)
	}
}

// get gets a small object, and its ETag.
func (l *leases) get(ctx context.Context, name string, most int64) (b []byte, etag string, err error) {
	o, err := l.bucket.Get(ctx, name)
	if err != nil {
		return nil, "", err
	}
	b, err = io.ReadAll(io.LimitReader(o.Body, most))
	return b, o.ETag, errors.Join(err, o.Body.Close())
}
