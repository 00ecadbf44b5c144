package hls

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
	"weak"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/clip/playlist"
	"clipfs/clip/segment"
)

// mostBytes is how long a playlist is at most: Chromium does not play one of 2.4 MB.
const mostBytes = 2_000_000

// Playlist is one version of the playlist of a clip.
type Playlist struct {
	// Version tells its text from others.
	Version string
	// Size of the text in bytes.
	Size int64
	// Notes say, in a sentence each, what is unusual in it.
	Notes []string

	text func(context.Context) ([]byte, error)
}

// Text is the text as it was made. It is made again if its memory was needed since; ErrChanged if it is another by then.
func (l *Playlist) Text(ctx context.Context) ([]byte, error) { return l.text(ctx) }

// Playlist makes the playlist of all segments of a clip. Its URIs begin with a prefix, which leads to the directory of the stream. It costs a
// listing at most, as a rule nothing; it fails as Clip.Recording does.
func (p *Publisher) Playlist(ctx context.Context, c *clip.Clip, prefix string) (*Playlist, error) {
	text, notes, err := p.write(ctx, c, prefix)
	if err != nil {
		return nil, err
	}
	version := VersionOf(text)
	p.texts.Add(version, weak.Make(&text))
	for _, note := range notes {
		p.tell(c, version, note)
	}
	return &Playlist{Version: version, Size: int64(len(text)), Notes: notes, text: func(ctx context.Context) ([]byte, error) {
		kept, _ := p.texts.Get(version)
		if text := kept.Value(); text != nil {
			return *text, nil
		}
		text, _, err := p.write(ctx, c, prefix)
		if err == nil && VersionOf(text) != version {
			err = fmt.Errorf("the playlist of %s %s is another by now: %w", c.Stream(), c.Span(), archive.ErrChanged)
		}
		return text, err
	}}, nil
}

// VersionOf gives what tells the text of a playlist from others.
func VersionOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// tell logs what is unusual in a version of a playlist, once.
func (p *Publisher) tell(c *clip.Clip, version, note string) {
	if had, _ := p.told.ContainsOrAdd(version+note, struct{}{}); !had {
		p.options.Logger.Info("unusual playlist", "stream", c.Stream(), "span", c.Span(), "note", note)
	}
}

// Laid is what a playlist plays, in order: its segments, each with its position.
type Laid struct {
	Segments []playlist.Segment
	// Notes say, in a sentence each, what is unusual in it.
	Notes []string
	// Video is the codec of the pictures, for people; empty while no head has told.
	Video string
	// Sound has the codings of sound that is left out, for people.
	Sound []string
}

// Lay tells what the playlist of a clip plays, just as Playlist writes it with the same prefix. It costs and fails as that does.
func (p *Publisher) Lay(ctx context.Context, c *clip.Clip, prefix string) (Laid, error) {
	_, laid, err := p.lay(ctx, c, prefix)
	return laid, err
}

// write makes the text of a playlist, and tells what is unusual in it.
func (p *Publisher) write(ctx context.Context, c *clip.Clip, prefix string) (text []byte, notes []string, err error) {
	text, laid, err := p.lay(ctx, c, prefix)
	return text, laid.Notes, err
}

// lay makes the text of a playlist, and tells what is in it.
func (p *Publisher) lay(ctx context.Context, c *clip.Clip, prefix string) (text []byte, a Laid, err error) {
	err = c.WithRecording(ctx, func(recorded clip.Recording) error {
		text, a, err = p.layOf(ctx, c, recorded, prefix)
		return err
	})
	return text, a, err
}

// layOf is lay of what the listing tells of the clip.
func (p *Publisher) layOf(ctx context.Context, c *clip.Clip, recorded clip.Recording, prefix string) (text []byte, a Laid, err error) {
	known := p.stream(c.Stream()).codings
	if err := known.learn(ctx, c); err != nil {
		return nil, a, err
	}
	fragments := servedOf(recorded.Fragments, recorded.Over)
	cut := func(o playlist.Options) []playlist.Segment {
		a = arrange(playlist.Cut(fragments, recorded.Rule, o), known)
		return a.Segments
	}
	write := func(segments []playlist.Segment) []byte {
		return playlist.VOD(segments, func(s playlist.Segment) string { return prefix + names.FormatSegment(s.Span, s.PTS) }, a.Notes...)
	}
	text, length := playlist.Fitting(cut, playlist.Options{Segment: p.options.Segment, Border: p.border()}, write, mostBytes)
	if length > p.options.Segment {
		a.Notes = append(a.Notes, fmt.Sprintf("segments are %s long and not %s, so that the playlist has no more than %d bytes", length, p.options.Segment, mostBytes))
	}
	return text, a, nil
}

// border gives what tells when days end. It is asked in the order of times.
func (p *Publisher) border() func(time.Time) time.Time {
	var day archive.Span
	g := p.library.Grammar()
	return func(t time.Time) time.Time {
		if !day.Contains(t) {
			day = g.Period(g.Containing(t, archive.Day))
		}
		return day.End
	}
}

// arrange takes out, like a gap, what is known to be of another video codec than the first that is known, as no player goes on from one to
// another, and marks where the coding is known to change.
func arrange(segments []playlist.Segment, known *codings) Laid {
	a := Laid{Segments: make([]playlist.Segment, 0, len(segments))}
	var first, last *segment.Coding
	var pts time.Duration
	left := make(map[string]archive.Span)
	sound := make(map[string]bool)
	gap := false
	for _, s := range segments {
		c, ok := known.at(s.Span.Start)
		if ok && first == nil {
			first = &c
		}
		if ok && c.Video != first.Video {
			had := left[c.Video]
			if had.Empty() {
				had.Start = s.Span.Start
			}
			left[c.Video], gap = archive.Span{Start: had.Start, End: s.Span.End}, true
			continue
		}
		if ok && c.LeftOut != "" && !sound[c.LeftOut] {
			sound[c.LeftOut] = true
			a.Sound = append(a.Sound, c.LeftOut)
			a.Notes = append(a.Notes, fmt.Sprintf("sound of %s is left out: no transport stream has it", c.LeftOut))
		}
		s.Discontinuity = len(a.Segments) > 0 && (s.Discontinuity || gap || ok && last != nil && c != *last)
		s.PTS, gap = pts, false
		pts += s.Span.Length()
		if ok {
			last = &c
		}
		a.Segments = append(a.Segments, s)
	}
	if first != nil {
		a.Video = first.Video
	}
	for _, video := range slices.Sorted(maps.Keys(left)) {
		span := left[video]
		a.Notes = append(a.Notes, fmt.Sprintf("%s is left out, from %s: the playlist begins with %s, and no player goes on from one to the other", video, span, first.Video))
	}
	return a
}
