package tree

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/hls"
	"clipfs/clip/still"
)

// Options are the settings of a Tree. The zero value works.
type Options struct {
	// Logger takes what is worth telling; nil discards it.
	Logger *slog.Logger
	// Stills are the pictures of the library's streams; nil for none.
	Stills *still.Stills
	// Status writes the text of .clipfs/status.json, a new one for each look-up; nil for no such file. It must not
	// wait.
	Status func() ([]byte, error)
	// Segment is about how long segments of playlists are; 0 means playlist.DefaultSegment.
	Segment time.Duration
}

// Tree is the clips of a library as a tree. It is safe for concurrent use.
type Tree struct {
	root  *Dir
	zone  *time.Location
	sizes *sizes
}

// New makes the tree of a library.
func New(library *clip.Library, o Options) *Tree {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &source{
		library: library, stills: o.Stills, grammar: library.Grammar(), explained: newExplainer(o.Logger),
		publisher: hls.New(library, hls.Options{Logger: o.Logger, Segment: o.Segment}),
	}
	s.grammar.Forms = extensions(false)
	begun := time.Now()
	top := &rootDir{source: s, begun: begun}
	if o.Status != nil {
		top.status = newStatusDir(o.Status, begun)
	}
	return &Tree{root: &Dir{Info: Info{Time: begun}, names: top}, zone: cmp.Or(s.grammar.Location, time.UTC), sizes: newSizes(o.Logger, library.ReadTimeout())}
}

// Root is the directory of the streams.
func (t *Tree) Root() *Dir { return t.root }

// Zone is that of days, and of names that say none.
func (t *Tree) Zone() *time.Location { return t.zone }

// Walk finds what a path below the root names. It stops at a link: rest is what follows it in the path, relative to the
// link's target. ErrName for a path that leads through a file, and for names that are none ("..", for example).
func (t *Tree) Walk(ctx context.Context, path string) (e Entry, rest string, err error) {
	e, rest = t.root, strings.Trim(path, "/")
	for rest != "" {
		dir, ok := e.(*Dir)
		if _, link := e.(*Link); link {
			return e, rest, nil
		}
		if !ok {
			return nil, "", fmt.Errorf("%s is no directory: %w", e.About().Path, archive.ErrName)
		}
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		place, err := dir.Lookup(name)
		if err != nil {
			return nil, "", err
		}
		if e, err = place.Find(ctx); err != nil {
			return nil, "", err
		}
	}
	return e, "", nil
}

// Measure makes the size of a file exact: it opens the file and closes it again. It fails as File.Open does, and with
// ErrUnreachable where too many are measured already.
func (t *Tree) Measure(ctx context.Context, f *File) error { return t.sizes.measure(ctx, f) }
