package session

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"time"

	"clipfs/clip/emulator/wire"
)

// Resource is what a session gives for one of its names.
type Resource struct {
	ContentType string
	Body        []byte
	// Fragments is how many fragments' media it has.
	Fragments int
}

// Name is the name of a resource in a URL, and API what it is counted as.
type Name struct {
	File string
	API  wire.API
}

// Names gives the names of the resources of a protocol; the first is where players begin.
func (p Protocol) Names() []Name {
	media := []Name{{"getMP4InitFragment.mp4", "GetMP4InitFragment"}, {"getMP4MediaFragment.mp4", "GetMP4MediaFragment"}}
	if p == DASH {
		return append([]Name{{"getDASHManifest.mpd", "GetDASHManifest"}}, media...)
	}
	return append([]Name{{"getHLSMasterPlaylist.m3u8", "GetHLSMasterPlaylist"}, {"getHLSMediaPlaylist.m3u8", "GetHLSMediaPlaylist"},
		{"getTSFragment.ts", "GetTSFragment"}}, media...)
}

// Path is where the resources of a protocol are.
func (p Protocol) Path() string {
	if p == DASH {
		return "/dash/v1/"
	}
	return "/hls/v1/"
}

// URL gives the URL, on its host, with which a player begins.
func (p Protocol) URL(token string) string {
	return p.Path() + p.Names()[0].File + "?" + url.Values{"SessionToken": {token}}.Encode()
}

// Get gives a resource, and the stream of its session once that is known. Errors are those of the service, and of media (package footage).
func (t *Table) Get(ctx context.Context, p Protocol, name Name, query url.Values, now time.Time) (Resource, wire.StreamName, error) {
	s, err := t.find(p, query.Get("SessionToken"), now)
	if err != nil {
		return Resource{}, "", err
	}
	r, err := s.get(ctx, name, query, now)
	return r, s.stream.Name, err
}

// get gives a resource.
func (s *Session) get(ctx context.Context, name Name, query url.Values, now time.Time) (r Resource, err error) {
	track := cmp.Or(query.Get("TrackNumber"), videoTrack)
	isMedia := name.API == "GetMP4MediaFragment" || name.API == "GetTSFragment"
	bucket := s.lists
	if isMedia {
		bucket = s.media
	}
	if !bucket.Allow() {
		return r, wire.Throttled(name.API, string(s.stream.Name))
	}
	if isMedia {
		return s.getMedia(ctx, name, query.Get("FragmentNumber"), track)
	}
	switch name.API {
	case "GetHLSMasterPlaylist":
		return Resource{ContentType: playlistType, Body: s.masterPlaylist()}, nil
	case "GetHLSMediaPlaylist":
		r.ContentType = playlistType
		r.Body, err = s.mediaPlaylist(track, now)
	case "GetDASHManifest":
		r.ContentType = "application/dash+xml"
		r.Body, err = s.dashManifest(now)
	default:
		r.ContentType = "video/mp4"
		r.Body, err = s.initFragment(track)
	}
	return r, err
}

// playlistType is the content type of playlists.
const playlistType = "application/x-mpegURL"

// getMedia gives the media of a fragment.
func (s *Session) getMedia(ctx context.Context, name Name, number, track string) (r Resource, err error) {
	index, err := strconv.Atoi(number)
	if err != nil {
		return r, wire.Invalid("FragmentNumber '%.50s' is no number.", number)
	}
	if st, err := s.source.Stream(); err != nil || st.Retention == 0 {
		return r, noFragments()
	}
	e, err := s.entry(index)
	if err != nil {
		return r, err
	}
	r = Resource{ContentType: "video/mp4", Fragments: 1}
	if name.API == "GetTSFragment" {
		r.ContentType = "video/MP2T"
		r.Body, err = s.transport(ctx, e)
		return r, err
	}
	r.Body, err = s.mediaFragment(e, index, track)
	return r, err
}
