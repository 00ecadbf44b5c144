package still

import (
	"context"
	"log/slog"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/timeline"
)

// Settings are what a user may set of stills. The zero value has them, in the size of the stream.
type Settings struct {
	// Off has no stills fetched.
	Off bool
	// Width is how wide they are, in pixels, up to archive.MaxImageWidth; 0 for the stream's own size.
	Width int
}

// Options are what Stills are made of. All of it has to be set, but for the settings.
type Options struct {
	Settings
	Logger   *slog.Logger
	Selector archive.Selector
	// Gap is how far apart two fragments have to be for a gap to lie between them.
	Gap time.Duration
	// TTL is how long a still is valid of a stream whose fragments may not be listed.
	TTL time.Duration
	// MaxOpenWait is how long opening one may take, which goes on in the background then; 0 means as long as it makes progress.
	MaxOpenWait time.Duration
	// Footage tells what is recorded.
	Footage Footage
	// Images makes a GetImages call (download.Downloader.Images).
	Images func(context.Context, archive.ImageQuery) ([]archive.Image, error)
	// Store keeps the images, Versions the versions of each.
	Store    download.Store
	Versions *download.Identities
}

// Footage tells what a stream has recorded; a *timeline.Timeline is one.
type Footage interface {
	View(ctx context.Context, name archive.StreamName, end time.Time) (timeline.View, error)
	List(ctx context.Context, v timeline.View, span archive.Span) (timeline.Listing, error)
}
