package tree

import (
	"context"
	"path"
	"strconv"
	"sync/atomic"
	"time"

	"clipfs/clip/archive"
)

const (
	// statusDirName is the directory of what tells of the mount itself. A stream of that name is hidden by it.
	//
	// The root does not list it, like the .zfs and .snapshot of others: a program that walks the tree to copy, index or
	// compare it finds footage there and nothing that is different each time.
	statusDirName = ".clipfs"
	// statusName is the file in it.
	statusName = "status.json"
)

// statusDir is that directory.
type statusDir struct {
	text func() ([]byte, error)
	// looks counts the texts given.
	looks atomic.Uint64
}

func newStatusDir(text func() ([]byte, error), begun time.Time) *Dir {
	return &Dir{Info: Info{Path: statusDirName, Time: begun}, names: &statusDir{text: text}}
}

// lookup finds the file. Each look takes a snapshot, which is a version of its own and valid for no time: an open looks
// first, and opens the snapshot of its look.
func (s *statusDir) lookup(name string) (Place, error) {
	if name != statusName {
		return Place{}, archive.ErrName
	}
	at := path.Join(statusDirName, statusName)
	return Place{Path: at, find: func(context.Context) (Entry, error) {
		text, err := s.text()
		if err != nil {
			return nil, err
		}
		now := time.Now()
		return &File{
			Info:    Info{Path: at, Time: now, ValidUntil: now},
			Version: strconv.FormatUint(s.looks.Add(1), 10), ContentType: "application/json", Private: true,
			content: written{int64(len(text)), func(context.Context) ([]byte, error) { return text, nil }},
		}, nil
	}}, nil
}

func (s *statusDir) list(context.Context) ([]Item, error) { return []Item{{statusName, IsFile}}, nil }
