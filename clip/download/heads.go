package download

import (
	"context"
	"crypto/sha256"
	"time"

	"clipfs/cache"
	"clipfs/clip/mp4"
)

// headKey is the key of the record of a payload's head.
func headKey(payload cache.Key) cache.Key { return "h-" + payload }

// HeadKnown reports whether the head of a payload is on disk.
func (d *Downloader) HeadKnown(payload cache.Key) bool { return d.records.Has(headKey(payload)) }

// HeadStamp tells the record of a payload's head on disk from all that there were or will be, in other runs too; false where there is none.
func (d *Downloader) HeadStamp(payload cache.Key) (stamp int64, ok bool) {
	return d.records.store.Created(headKey(payload))
}

// RecallHead notes the tables of the head on disk, as reading it would: whatever payload comes is compared with them.
func (d *Downloader) RecallHead(payload cache.Key, tables [sha256.Size]byte) {
	d.identities.recall(payload, tables)
}

// DropHead forgets the head of a payload that has another one now.
func (d *Downloader) DropHead(payload cache.Key) {
	d.records.Drop(headKey(payload))
	d.identities.forgetHead(payload)
}

// NoteHead keeps a head on disk in place of the one that is there, until a time if that is not zero.
func (d *Downloader) NoteHead(ctx context.Context, p Payload, h Head, until time.Time) error {
	d.DropHead(p.Key)
	return d.records.Write(ctx, headKey(p.Key), p, until, h.encode())
}

// StoredHead gives a head that is on disk. It costs no call.
func (d *Downloader) StoredHead(ctx context.Context, payload cache.Key) (Head, bool) {
	got, err := d.storedHead(ctx, payload)
	return got, err == nil
}

// storedHead gives a head that is on disk; errNoRecord if none is, errHeadRecord if an earlier run kept the head of a payload
// that had been cut.
func (d *Downloader) storedHead(ctx context.Context, payload cache.Key) (Head, error) {
	if !d.HeadKnown(payload) {
		return Head{}, errNoRecord
	}
	b, err := d.records.Read(ctx, headKey(payload))
	if err != nil {
		return Head{}, err
	}
	got, err := decodeHead(b)
	if err != nil || got.Split != 0 {
		return got, err
	}
	if known := d.identities.of(payload); known.recalled && known.kept == got.Tables { // looked at before
		return got, nil
	}
	movie, err := mp4.ParseMovie(got.Moov)
	if err == nil {
		err = reaches(movie, got.Size)
	}
	if err != nil {
		return Head{}, errHeadRecord
	}
	d.identities.recall(payload, got.Tables)
	return got, nil
}
