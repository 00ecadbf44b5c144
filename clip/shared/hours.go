package shared

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/tier"
)

// maxHour is the most that is read of an hour of the timeline.
const maxHour = 16 << 20

// hourName gives the name of an hour of a stream; false where its stream does not tell where that is.
func hourName(stream archive.Stream, by archive.Selector, hour time.Time) (Name, bool) {
	folder, ok := FolderOf(stream)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", by, hour.Unix()))
	return Name{Stream: folder, Kind: Hours, Key: cache.Key("t-" + hex.EncodeToString(sum[:16]))}, ok
}

// Hour gives what another host has written of an hour of a stream; nil where there is nothing that can be used.
func (t *Tier) Hour(ctx context.Context, stream archive.Stream, by archive.Selector, hour time.Time) []byte {
	name, ok := hourName(stream, by, hour)
	if !ok {
		return nil
	}
	h, body, missing := t.look(ctx, name, stream)
	if body == nil {
		if missing {
			t.counts.misses.Add(1)
		}
		return nil
	}
	defer body.Close()
	t.counts.hits.Add(1)
	text, err := io.ReadAll(io.LimitReader(body, maxHour))
	if err != nil || int64(len(text)) != h.Size || !h.Start.Equal(hour) {
		return nil // which the body has told of
	}
	return text
}

// OfferHour has what is listed of an hour uploaded, some time, over what is there. It never waits.
func (t *Tier) OfferHour(stream archive.Stream, by archive.Selector, hour, ingested time.Time, text []byte) {
	name, ok := hourName(stream, by, hour)
	if !ok || !t.breaker.allows() {
		return
	}
	added := t.queue.add(offer{name: name, over: true, Offer: tier.Offer{
		Size:    int64(len(text)),
		Content: func() (io.ReaderAt, func(), error) { return bytes.NewReader(text), func() {}, nil },
		Confirm: func(context.Context) (tier.Confirmed, error) {
			return tier.Confirmed{Ingested: ingested, Start: hour, End: hour.Add(time.Hour)}, nil
		},
	}})
	if !added {
		t.counts.dropped.Add(1)
	}
}
