package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/shared/gateway"
	"clipfs/cmd/clipbench/internal/fleet"
)

// The rows of a peer, in their order.
const (
	peerSecond = iota
	peerFirst
	peerCold
	peerRows
)

// coldLength is how long the clip is that is read cold, and again after a restart.
const coldLength, coldSpan = "10m", 10 * time.Minute

func peersTask() task {
	var rows []row
	for _, p := range peers() {
		rows = append(rows,
			row{name: "second sequential read, one part", against: p.name + ", warm", atLeast: true, limit: 1},
			row{name: "first sequential read of a cached clip", against: p.name + ", the file in its cache", atLeast: true, limit: 1},
			row{name: "cold: whole 10 min clip to /dev/null", against: p.name + ", the same bytes as far away", atLeast: true, limit: 1})
	}
	return task{"peers", rows, func(ctx context.Context, b *bench, rows []row) error {
		var all []error
		for i, p := range peers() {
			own := rows[i*peerRows : (i+1)*peerRows]
			missing := p.missing()
			if missing == "" {
				err := b.measurePeer(ctx, p, own)
				if errors.Is(err, gateway.ErrMissing) {
					missing, err = err.Error(), nil
				}
				all = append(all, err)
			}
			unmeasured(own, missing)
		}
		return errors.Join(all...)
	}}
}

// measurePeer compares a clip with the same bytes behind a peer.
func (b *bench) measurePeer(ctx context.Context, p peer, rows []row) (err error) {
	cache, err := os.MkdirTemp(b.dir, "cache-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
	if err := b.peerColdAndFirst(ctx, p, cache, &rows[peerCold], &rows[peerFirst]); err != nil {
		return err
	}
	m, err := b.mount(ctx, cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.stop()) }()
	path := m.clip(camStream, b.hour(), "5m")
	c, err := b.copyOf(ctx, path)
	if err != nil {
		return err
	}
	defer c.remove(&err)
	return b.withPeer(ctx, p, c.stored, func(mount func() (*peerMount, error)) (err error) {
		theirs, err := mount()
		if err != nil {
			return err
		}
		defer theirs.end(&err)
		return b.againstPeer(ctx, &rows[peerSecond], path, theirs.file(filepath.Base(c.stored)), c.bare, p)
	})
}

// withPeer has a server serve a file, as far away as the emulator is. What use is given mounts it with what the peer has kept before.
func (b *bench) withPeer(ctx context.Context, p peer, file string, use func(mount func() (*peerMount, error)) error) (err error) {
	dir, err := os.MkdirTemp(b.dir, "kept-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var address string
	if p.store {
		store, err := fleet.StartStore(ctx, b.latency, b.rate)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		if err := store.Place(filepath.Base(file), file); err != nil {
			return err
		}
		address = store.URL
	} else {
		source, err := b.serveFile(ctx, file)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, source.Close()) }()
		address = "http://" + source.Addr
	}
	return use(func() (*peerMount, error) { return b.mountPeer(ctx, p, address, dir) })
}

// peerColdAndFirst reads a clip that nobody has read, and again after a restart, and the same bytes behind a peer likewise, another clip in
// each round.
func (b *bench) peerColdAndFirst(ctx context.Context, p peer, cache string, coldRow, firstRow *row) error {
	var cold, first, floor pairs
	size := int64(0)
	for range b.few() {
		at := b.hour()
		var ours [2]time.Duration
		var copied string
		for i := range ours {
			if err := b.rest(ctx); err != nil {
				return err
			}
			if err := func() (err error) {
				m, err := b.mount(ctx, cache)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, m.stop()) }()
				path := m.clip(camStream, at, coldLength)
				if ours[i], err = readTime(path); err == nil && i == 1 {
					copied, err = b.localCopy(path)
				}
				return err
			}(); err != nil {
				return err
			}
		}
		info, err := os.Stat(copied)
		if err != nil {
			return err
		}
		size = info.Size()
		theirs, err := b.peerTwice(ctx, p, copied)
		if err := errors.Join(err, os.Remove(copied)); err != nil {
			return err
		}
		direct, err := b.directly(ctx, archive.NewSpan(at, coldSpan))
		if err != nil {
			return err
		}
		floor.add(direct, theirs[0])
		cold.add(ours[0], theirs[0])
		first.add(ours[1], theirs[1])
	}
	for _, r := range []struct {
		row   *row
		times *pairs
	}{{coldRow, &cold}, {firstRow, &first}} {
		r.row.value, r.row.rounds = r.times.faster(), r.times.raw()
		r.row.note = r.times.note() + fmt.Sprintf("; %.0f MB, %s", float64(size)/1e6, p.version(ctx))
	}
	coldRow.note += fmt.Sprintf("; the calls of the clip, made directly, reach %.2f", floor.faster())
	coldRow.rounds["directly"] = floor.ours
	return nil
}

// directly makes the calls of a clip that nobody has read: its listing and its parts.
func (b *bench) directly(ctx context.Context, span archive.Span) (time.Duration, error) {
	if err := b.rest(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := b.listFragments(ctx, camStream, span); err != nil {
		return 0, err
	}
	_, err := b.fetchParts(ctx, camStream, span)
	return time.Since(began), err
}

// peerTwice reads a file behind a peer that has nothing, and again after a restart.
func (b *bench) peerTwice(ctx context.Context, p peer, file string) (times [2]time.Duration, err error) {
	err = b.withPeer(ctx, p, file, func(mount func() (*peerMount, error)) error {
		for i := range times {
			if err := func() (err error) {
				m, err := mount()
				if err != nil {
					return err
				}
				defer m.end(&err)
				times[i], err = readTime(m.file(filepath.Base(file)))
				return err
			}(); err != nil {
				return err
			}
		}
		return nil
	})
	return times, err
}
