package still_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/still"
)

// TestStillMissing: what is said of a picture that there is none of.
func TestStillMissing(t *testing.T) {
	none := func(kind error) func(int, []archive.Image) ([]archive.Image, error) {
		return func(_ int, images []archive.Image) ([]archive.Image, error) {
			for i := range images {
				images[i].JPEG, images[i].Err = nil, kind
			}
			return images, nil
		}
	}
	broken := errors.New("broken")
	for _, tc := range []struct {
		name  string
		image func(int, []archive.Image) ([]archive.Image, error)
		want  error
		calls int
	}{
		{"no media", none(archive.ErrNoFootage), archive.ErrNoFootage, 2},
		{"nothing of the instant", func(int, []archive.Image) ([]archive.Image, error) { return nil, nil }, archive.ErrNoFootage, 2},
		{"no picture can be made", none(archive.ErrNoImage), archive.ErrMedia, 1},
		{"the call fails", func(int, []archive.Image) ([]archive.Image, error) { return nil, broken }, broken, 1},
		{"one of another time", func(_ int, images []archive.Image) ([]archive.Image, error) {
			for i := range images {
				images[i].At = images[i].At.Add(-time.Second)
			}
			return images, nil
		}, archive.ErrNoFootage, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newArchive()
				m.Image = tc.image
				r := newRoom(t, m, t.TempDir(), still.Settings{})
				s := r.find(t, 3*time.Second)
				if _, err := read(t.Context(), s); !errors.Is(err, tc.want) || s.Err() == nil || len(m.Asked) != tc.calls {
					t.Errorf("got %v after %d calls, want %v after %d", err, len(m.Asked), tc.want, tc.calls)
				}
				m.Image = nil // and it is not remembered
				if got, err := read(t.Context(), s); err != nil || !bytes.Equal(got, picture(m, 3*time.Second, 0)) || s.Err() != nil {
					t.Errorf("later: got %q, %v", got, err)
				}
			})
		})
	}
}

// TestStillWithoutTheFirst: where the service gives no image for the first instant of a call, each call has one more, once that is
// known.
func TestStillWithoutTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newArchive()
		m.Image = func(_ int, images []archive.Image) ([]archive.Image, error) {
			images[0].JPEG, images[0].Err = nil, archive.ErrNoFootage
			return images, nil
		}
		r := newRoom(t, m, t.TempDir(), still.Settings{})
		for i, calls := range []int{2, 3, 4} {
			offset := time.Duration(i)*fragmentLength + time.Second
			if got, err := read(t.Context(), r.find(t, offset)); err != nil || !bytes.Equal(got, picture(m, offset, 0)) || len(m.Asked) != calls {
				t.Errorf("%s: got %q, %v after %d calls, want %d", offset, got, err, len(m.Asked), calls)
			}
		}
	})
}

// TestStillTooEarly: a picture that is older than 200 ms, or of the fragment before, will not do.
func TestStillTooEarly(t *testing.T) {
	for _, tc := range []struct {
		name          string
		offset, early time.Duration
		found         bool
	}{
		{"within 200 ms", time.Second, 199 * time.Millisecond, true},
		{"beyond", time.Second, 200 * time.Millisecond, false},
		{"in its fragment", fragmentLength + 50*time.Millisecond, 50 * time.Millisecond, true},
		{"in the one before", fragmentLength + 50*time.Millisecond, 51 * time.Millisecond, false},
		{"later", time.Second, -time.Millisecond, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newArchive()
				m.Image = func(_ int, images []archive.Image) ([]archive.Image, error) {
					at := memory.Base().Add(tc.offset - tc.early)
					return []archive.Image{{At: at, JPEG: []byte("picture")}}, nil
				}
				r := newRoom(t, m, t.TempDir(), still.Settings{})
				if _, err := read(t.Context(), r.find(t, tc.offset)); (err == nil) != tc.found || err != nil && !errors.Is(err, archive.ErrNoFootage) {
					t.Errorf("got %v, want it found: %t", err, tc.found)
				}
			})
		})
	}
}

// TestStillRefused: a call that is refused for a limit is made again for ten seconds, not for as long as a read may wait; one that is granted
// before that is served.
func TestStillRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newArchive()
		r := newRoom(t, m, t.TempDir(), still.Settings{})
		ask := r.options.Images
		var answers time.Duration
		o := r.options
		o.Images = func(ctx context.Context, q archive.ImageQuery) ([]archive.Image, error) {
			if answers > 0 {
				q.Refused()
				time.Sleep(answers)
				return ask(ctx, q)
			}
			for { // as package kvs does
				q.Refused()
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
					if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
						t.Errorf("it ends for %v", context.Cause(ctx))
					}
					return nil, archive.ErrThrottled
				}
			}
		}
		stills := still.New(o)
		look := func() (time.Duration, error) {
			s, err := stills.Find(t.Context(), "cam", memory.Base().Add(3*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			_, err = read(t.Context(), s)
			return time.Since(begun).Truncate(time.Second), err
		}
		if took, err := look(); took != 10*time.Second || !errors.Is(err, archive.ErrThrottled) {
			t.Errorf("refused all the time: %v after %s", err, took)
		}
		answers = 9 * time.Second
		if took, err := look(); took != 9*time.Second || err != nil {
			t.Errorf("refused at first: %v after %s", err, took)
		}
	})
}
