package tree

import (
	"context"
	"iter"
	"time"

	"clipfs/clip/archive"
)

// Entry is what a path names: a *Dir, a *File or a *Link.
type Entry interface {
	// About is what entries of all kinds have.
	About() *Info
}

// Info is what every entry has.
type Info struct {
	// Path is below the root, with slashes between its names only. That of the root is empty.
	Path string
	// Time is that of the last modification.
	Time time.Time
	// ValidUntil is until when the path names this entry. Zero is for good: it follows from the names alone.
	ValidUntil time.Time

	attributes func() []Attribute
}

// About makes entries of what embeds an Info.
func (i *Info) About() *Info { return i }

// Attributes are what can be asked of the entry by name. Making the list costs no call.
func (i *Info) Attributes() []Attribute {
	if i.attributes == nil {
		return nil
	}
	return i.attributes()
}

// Attribute is something that is told of an entry on demand.
type Attribute struct {
	Name string
	// Unlisted attributes are there for whatever asks for them by name.
	Unlisted bool
	// Value may ask the archive, but fetches no media. It is empty where the entry does not have the attribute.
	Value func(context.Context) (string, error)
}

// Place is where an entry may be.
type Place struct {
	Path string
	// Entry is set where what is there follows from the name alone, for good.
	Entry Entry

	find func(context.Context) (Entry, error)
}

// known is the place of an entry that follows from its name.
func known(e Entry) Place { return Place{Path: e.About().Path, Entry: e} }

// Find finds what is there now. It asks the archive unless Entry is set, and fetches no media.
func (p Place) Find(ctx context.Context) (Entry, error) {
	if p.Entry != nil {
		return p.Entry, nil
	}
	return p.find(ctx)
}

// Kind is the kind of an entry.
type Kind int

// The kinds of entries.
const (
	IsDir Kind = iota
	IsFile
	IsLink
)

// Item is one line of a listing.
type Item struct {
	Name string
	Kind Kind
}

// Dir is a directory.
type Dir struct {
	Info
	// Period is the time that the directory is of: a day, an hour, a minute or an instant; empty for others.
	Period archive.Span

	names nameTable
}

// nameTable is what a directory has in it.
type nameTable interface {
	// lookup reads a name and makes no call.
	lookup(name string) (Place, error)
	list(context.Context) ([]Item, error)
}

// Lookup reads a name, listed or not, and costs no call. ErrName if nothing can have it.
func (d *Dir) Lookup(name string) (Place, error) { return d.names.lookup(name) }

// List has what the directory shows.
func (d *Dir) List(ctx context.Context) ([]Item, error) { return d.names.list(ctx) }

// Entries lists the directory and looks up each entry, for faces that show attributes with a listing.
func (d *Dir) Entries(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		items, err := d.List(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, item := range items {
			place, err := d.Lookup(item.Name)
			var e Entry
			if err == nil {
				e, err = place.Find(ctx)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Link is a symbolic link as it was when it was found.
type Link struct {
	Info
	// Target is relative to the link's directory.
	Target string
}
