package images

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"clipfs/clip/emulator/footage"
)

// ErrMedia says that no picture can be made of the footage that was recorded at an instant.
var ErrMedia = errors.New("no picture can be made of this media")

// Maker makes pictures. It is safe for concurrent use.
type Maker struct{ decoder *decoder }

// NewMaker gives one.
func NewMaker() *Maker { return &Maker{&decoder{make(chan struct{}, atOnce)}} }

// Image is a picture, or why there is none: an error of ErrMedia, or nil where nothing was recorded.
type Image struct {
	Content []byte
	Err     error
}

// Make makes the pictures of shots, in their order. All frames that are coded alike are decoded by one process. Errors are ErrNoDecoder,
// or that of ctx.
func (m *Maker) Make(ctx context.Context, shots []Shot, o Options) ([]Image, error) {
	images := make([]Image, len(shots))
	for _, group := range alike(shots) {
		if err := m.make(ctx, shots, group, o, images); err != nil {
			return nil, err
		}
	}
	for i, s := range shots {
		switch {
		case s.err != nil:
			images[i].Err = fmt.Errorf("%w: %w", ErrMedia, s.err)
		case !s.None() && images[i].Content == nil && images[i].Err == nil:
			images[i].Err = ErrMedia
		}
	}
	return images, nil
}

// alike gives groups of shots that are coded alike, in the order of showing, by their places.
func alike(shots []Shot) (groups [][]int) {
	var order []int
	for i, s := range shots {
		if s.fragment != nil {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		s, u := shots[a], shots[b]
		return cmp.Or(s.fragment.Producer.Compare(u.fragment.Producer), cmp.Compare(s.fragment.Number, u.fragment.Number),
			cmp.Compare(s.video[s.frame].PTS, u.video[u.frame].PTS))
	})
	for _, i := range order {
		last := len(groups) - 1
		if last < 0 || !same(shots[groups[last][0]].fragment.VideoTrack(), shots[i].fragment.VideoTrack()) {
			groups = append(groups, nil)
			last++
		}
		groups[last] = append(groups[last], i)
	}
	return groups
}

// same reports whether one decoder decodes both.
func same(a, b footage.Track) bool {
	return a.Codec == b.Codec && a.Width == b.Width && a.Height == b.Height && bytes.Equal(a.Private, b.Private)
}

// make makes the pictures of a group. Where one cannot be decoded nothing tells which: then each is decoded by itself.
func (m *Maker) make(ctx context.Context, shots []Shot, group []int, o Options, images []Image) error {
	frames := framesOf(shots, group)
	pictures, err := m.pictures(ctx, frames, o)
	if err != nil {
		return err
	}
	if len(pictures) != len(frames) && len(frames) > 1 {
		for _, i := range group {
			if err := m.make(ctx, shots, []int{i}, o, images); err != nil {
				return err
			}
		}
		return nil
	}
	if len(pictures) != len(frames) {
		return nil
	}
	at := -1
	for n, i := range group {
		if n == 0 || shots[i].fragment != shots[group[n-1]].fragment || shots[i].frame != shots[group[n-1]].frame {
			at++
		}
		images[i] = pictures[at]
	}
	return nil
}

// framesOf gives the frames of shots, each once.
func framesOf(shots []Shot, group []int) (frames []frame) {
	for _, i := range group {
		s := shots[i]
		if n := len(frames); n > 0 && frames[n-1].fragment == s.fragment && frames[n-1].index == s.frame {
			continue
		}
		frames = append(frames, frame{fragment: s.fragment, video: s.video, index: s.frame})
	}
	return frames
}

// pictures decodes frames and codes their pictures.
func (m *Maker) pictures(ctx context.Context, frames []frame, o Options) (pictures []Image, err error) {
	err = m.decoder.decode(ctx, frames, o, func(raw *image.YCbCr) error {
		content, err := o.encode(raw)
		if err != nil {
			return err
		}
		pictures = append(pictures, Image{Content: content})
		return nil
	})
	if errors.Is(err, ErrNoDecoder) || ctx.Err() != nil {
		return nil, err
	}
	if err != nil { // it broke off, or what came was none
		return nil, nil //nolint:nilerr // such media has no pictures
	}
	return pictures, nil
}
