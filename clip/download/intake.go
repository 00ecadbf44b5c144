package download

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// takeIn copies a body, box by box, with its times set.
func (in *intake) takeIn(ctx context.Context) error {
	for {
		box, err := in.boxes.Next()
		switch {
		case errors.Is(err, mp4.ErrNotMP4), errors.Is(err, mp4.ErrMalformed):
			return Wrong("%w", err)
		case errors.Is(err, io.EOF):
			return in.finish()
		case err != nil:
			return cut(err)
		}
		if err := in.box(ctx, box); err != nil {
			return err
		}
		if in.announced && in.out.position == in.size {
			return in.finish()
		}
	}
}

// cut tells that a body ended or failed before it should have.
func cut(err error) error {
	if errors.Is(err, archive.ErrUnreachable) || errors.Is(err, archive.ErrThrottled) || errors.Is(err, errLongPayload) {
		return err
	}
	return fmt.Errorf("body cut: %w: %w", archive.ErrUnreachable, err)
}

// intake is the state of taking one body in.
type intake struct {
	*fetch
	boxes *mp4.Scanner
	// length is Content-Length, or −1.
	length int64
	// tier says that the body is not the archive's: one that differs from what is known is no news of the payload.
	tier bool
	// elsewhere is asked once a download that was paused may go on, whether to take the payload from the tier now; nil is no.
	elsewhere func() bool

	moovSeen bool
	// moov and parsed are kept until the payload is judged.
	moov     []byte
	parsed   *mp4.Movie // what moov says
	held     []byte     // what came until mdat has come
	mdatSize int64
	mdatSeen bool
	media    int64 // where the body of mdat begins
	// bodies are those of the boxes that have come, but for moov; unproven is where the tables say that media lies, until it
	// is known that it lies there.
	bodies, unproven []extent
	// judged says that the payload is known to be the one that was there before.
	judged    bool
	announced bool
	size      int64
}

// box takes in one box.
func (in *intake) box(ctx context.Context, box *mp4.Box) error {
	switch {
	case in.length >= 0 && box.End() > in.length:
		return Wrong("box %s ends at %d of %d bytes", box.Type, box.End(), in.length)
	case box.Type == mp4.TypeMoof:
		return errFragmented
	case box.Size > maxPayload:
		return fmt.Errorf("box %s of %d bytes: %w", box.Type, box.Size, errLongPayload)
	case box.Type == mp4.TypeMoov && !in.moovSeen:
		return in.movie(box)
	}
	if err := in.came(box); err != nil {
		return err
	}
	if box.Type == mp4.TypeMdat && !in.mdatSeen {
		in.mdatSeen, in.mdatSize, in.media = true, box.Size, box.Position+int64(box.HeaderSize)
		if err := in.headCame(); err != nil {
			return err
		}
	}
	if err := in.write(box.Raw); err != nil {
		return err
	}
	return in.copy(ctx, box.Payload)
}

// movie takes in the moov: its times are those of the footage, not of the call.
func (in *intake) movie(box *mp4.Box) error {
	if box.Size > maxMoov {
		return Wrong("moov of %d bytes, of %d at most", box.Size, maxMoov)
	}
	moov, err := mp4.ReadMoov(box)
	if errors.Is(err, mp4.ErrTooBig) {
		return Wrong("%w", err)
	}
	if err != nil {
		return cut(err)
	}
	if err := mp4.SetTimes(moov, in.payload.Start); err != nil {
		in.log.Warn("times in moov left as they are", "error", err)
	}
	in.moov, in.moovSeen = moov, true
	if in.parsed, err = mp4.ParseMovie(moov); err != nil {
		return Wrong("%w", err)
	}
	if in.parsed.Fragmented && !slices.ContainsFunc(in.parsed.Tracks, func(t *mp4.Track) bool { return t.Sizes.Len() > 0 }) {
		return errFragmented
	}
	if err := in.headCame(); err != nil {
		return err
	}
	return in.write(moov) // which in.moov may no longer be
}

// headCame announces the size once both moov and the header of mdat are there, after making sure that the payload has what
// was listed and is the one that was there before. So where mdat comes first nothing is read before all has come: a payload
// that turns out to lack fragments is not the file, and a reader must not have seen any of it.
func (in *intake) headCame() error {
	if !in.moovSeen || !in.mdatSeen {
		return nil
	}
	if err := in.plausible(); err != nil {
		return err
	}
	if video := in.parsed.Video(); video != nil && in.payload.Least != nil {
		if err := in.payload.Least(video); err != nil {
			return err
		}
	}
	size, known := in.end()
	if !known {
		return nil // the end of the body will tell
	}
	if media, ok := in.reach(); ok && in.boxesUpTo(media) {
		if err := in.prove(size); err != nil {
			return err
		}
	}
	if err := in.same(size); err != nil {
		return err
	}
	if err := in.announce(size); err != nil {
		return err
	}
	in.judged, in.moov, in.parsed = true, nil, nil // a download can be paused for a while
	return nil
}

// same makes sure that the payload is the one that was there before.
func (in *intake) same(size int64) error {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d ", in.mdatSize) // a hash takes everything
	h.Write(in.moov)
	now := Identity{Size: size, Digest: [sha256.Size]byte(h.Sum(nil)), Tables: in.parsed.Fingerprint(in.media), Understood: true}
	if in.tier && !in.identities.allows(in.payload.Key, now) {
		return errOtherVersion
	}
	otherHead, err := in.identities.recognise(in.payload.Key, now)
	if otherHead {
		in.records.Drop(headKey(in.payload.Key))
	}
	return err
}

// announce makes the size known, once.
func (in *intake) announce(size int64) error {
	if in.announced {
		return nil
	}
	if size > maxPayload {
		return fmt.Errorf("payload of %d bytes: %w", size, errLongPayload)
	}
	in.announced, in.size = true, size
	return in.out.announce(size)
}

// end gives where the payload ends, if that is known before it has come.
func (in *intake) end() (int64, bool) {
	end, known := in.boxes.End()
	if known {
		media, err := in.parsed.MediaEnd()
		known = err == nil && media <= end // else there is a second mdat to come
	}
	if !known && in.length >= 0 {
		return in.length, true
	}
	return end, known
}

// copy hands on bytes as they come, as long as a holder wants them.
func (in *intake) copy(ctx context.Context, r io.Reader) error {
	for {
		// A holder of the head wants as much behind it as readHead looks at, and what an earlier body brought: the size is told after that.
		most, head := copyBuffer, max(in.media+boxHeaderSize, in.out.writer.Written())-in.out.position
		if in.judged && head <= 0 {
			in.place.headCame.Store(true)
		} else if in.judged {
			most = int(min(head, copyBuffer)) // and no more, as far as is known
		}
		paused, err := in.scheduler.proceed(ctx, in.place)
		if err != nil {
			return err
		}
		if paused && in.elsewhere != nil && in.elsewhere() {
			return errElsewhere
		}
		end, err := in.piece(r, most)
		// Where all has come nobody need want more: its holders may have read it and be gone.
		if end || err != nil || in.announced && in.out.position == in.size {
			return err
		}
	}
}

// piece hands on what is there of a body, at most so many bytes.
func (in *intake) piece(r io.Reader, most int) (end bool, err error) {
	// A paused download has no buffer.
	buffer := in.buffers.Get().(*[copyBuffer]byte)
	defer in.buffers.Put(buffer)
	n, err := r.Read(buffer[:most])
	if werr := in.write(buffer[:n]); werr != nil {
		return false, werr
	}
	if err == nil || errors.Is(err, io.EOF) {
		return err != nil, nil
	}
	return false, cut(err)
}

// finish ends the payload where the body ended or the announced size is reached.
func (in *intake) finish() error {
	if !in.moovSeen || !in.mdatSeen {
		return Wrong("no head or no media in %d bytes", in.boxes.Position())
	}
	size := in.out.position
	if in.announced && size != in.size {
		return cut(fmt.Errorf("%d of %d bytes: %w", size, in.size, io.ErrUnexpectedEOF))
	}
	if err := in.prove(size); err != nil {
		return err
	}
	if in.behind() {
		in.log.Warn("bytes behind the end of the payload dropped", "size", size)
	}
	if !in.judged {
		if err := in.same(size); err != nil {
			return err
		}
	}
	return in.out.finish()
}

// behind reports whether anything comes after the end of the payload.
func (in *intake) behind() bool {
	if in.length >= 0 {
		return in.length > in.out.position
	}
	n, _ := in.boxes.Rest().Read(make([]byte, 1))
	return n > 0
}

// write hands bytes on, or holds them while mdat has not come: it is not known yet what they speak of.
func (in *intake) write(p []byte) error {
	if !in.mdatSeen {
		if len(in.held)+len(p) > len(in.moov)+maxHeld {
			return Wrong("more than %d bytes besides moov before the media", maxHeld)
		}
		in.held = append(in.held, p...)
		return nil
	}
	if len(in.held) > 0 {
		held := in.held
		in.held = nil
		if err := in.out.write(held); err != nil {
			return err
		}
	}
	return in.out.write(p)
}
