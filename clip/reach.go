package clip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// A payload is whole where all the media of its tables has come. How its body is framed does not tell: a box mdat of size 0
// goes on to the end of the body (ISO/IEC 14496-12, 4.2), and a body without a length ends wherever the connection does.

// maxBoxes is how many boxes a payload is believed to have at its top.
const maxBoxes = 1 << 16

// extent is a range of bytes of a payload; to is less than 0 where it goes on to the end.
type extent struct{ from, to int64 }

// came keeps where the body of a box lies.
func (in *intake) came(box *mp4.Box) error {
	if in.judged && in.unproven == nil {
		return nil
	}
	if len(in.bodies) == maxBoxes {
		return wrong("more than %d boxes", maxBoxes)
	}
	in.bodies = append(in.bodies, extent{box.Position + int64(box.HeaderSize), box.End()})
	return nil
}

// reach gives where the media of the tables ends; false where there is none.
func (in *intake) reach() (int64, bool) {
	if len(in.unproven) == 0 {
		return 0, false
	}
	return in.unproven[len(in.unproven)-1].to, true
}

// boxesUpTo reports whether all boxes up to a position are known.
func (in *intake) boxesUpTo(position int64) bool {
	last := in.bodies[len(in.bodies)-1]
	return last.to < 0 || last.to >= position || in.boxes.Position() >= position
}

// prove makes sure that the media of the tables lies in the bodies of boxes of a payload of so many bytes. What reaches
// beyond them was cut.
func (in *intake) prove(size int64) error {
	if end, ok := in.reach(); ok && end > size {
		return cut(fmt.Errorf("%d bytes, and media up to %d: %w", size, end, io.ErrUnexpectedEOF))
	}
	for _, media := range in.unproven {
		i := sort.Search(len(in.bodies), func(i int) bool { return in.bodies[i].from > media.from }) - 1
		if i < 0 || in.bodies[i].to >= 0 && in.bodies[i].to < media.to {
			return wrong("media from %d to %d, where no box lies", media.from, media.to)
		}
	}
	in.unproven, in.bodies = nil, nil
	return nil
}

// errCutEntry: the cache has a payload that was kept although it had been cut. It is a cache.ErrDamaged.
var errCutEntry = fmt.Errorf("tables reach beyond the payload: %w", cache.ErrDamaged)

// reaches makes sure that the media of a movie lies within a payload of so many bytes.
func reaches(m *mp4.Movie, size int64) error {
	end, err := m.MediaEnd()
	if err != nil {
		return fmt.Errorf("payload: %w: %w", archive.ErrMedia, err)
	}
	if end > size {
		return errCutEntry
	}
	return nil
}

// headOf gives the head of a payload that is held. A payload that is of no use is dropped: another call may bring what it
// should.
func (l *Library) headOf(ctx context.Context, h *hold) (head, error) {
	got, err := readHead(ctx, h.Entry)
	if errors.Is(err, archive.ErrMedia) || errors.Is(err, errCutEntry) {
		l.cache.Drop(h.key)
	}
	return got, err
}

// vouched makes sure that a payload that an earlier run has left is whole. It is looked at once a run; what has come in this
// run was looked at when it came.
func (l *Library) vouched(ctx context.Context, h *hold) error {
	if !h.Complete() || l.versions.vouches(h.key) {
		return nil
	}
	if _, err := l.headOf(ctx, h); err != nil {
		return err
	}
	l.versions.vouch(h.key)
	return nil
}
