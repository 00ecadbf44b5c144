package fs

import (
	"context"
	"strconv"
	"syscall"
)

// missingName is the extended attribute of a clip that tells how many bytes reading all of it would fetch, about: 0 where
// all of it is in the cache. It is apart from the others because it may cost a listing.
const missingName = "missing"

// missing answers it.
func (n *clipNode) missing(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	var bytes int64
	errno := n.tree.wait(ctx, "getxattr", n.path, func(ctx context.Context) (err error) {
		bytes, err = n.version.clip.Missing(ctx)
		return err
	})
	if errno != 0 {
		return 0, errno
	}
	return answer(dest, strconv.FormatInt(bytes, 10))
}
