package clip

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4/join"
	"clipfs/clip/resolve"
)

// keptLayout is a layout as it is kept on disk, so that the next run need not read the heads of all parts to open the clip. It is kept of
// clips whose parts are as they were planned and all in the file. What else a layout has follows from the listing.
type keptLayout struct {
	Size, HeadSize int64
	// Digest is that of the layout: it stands for the parts, their tables, how they are joined, and Size.
	Digest   []byte
	Parts    []keptPart
	Segments []keptSegment
}

// keptPart is a layoutPart.
type keptPart struct {
	// Head tells the record of the part's head from all others (download.Downloader.HeadStamp): as long as it is on disk, the tables are these.
	Head       int64
	Tables     []byte
	Start, End int64
}

// keptSegment is a segment.
type keptSegment struct {
	Offset, Length int64
	Part           int
	At             int64
	Bytes          []byte
}

// errNoLayout: a record is of no layout.
var errNoLayout = errors.New("no layout")

// segments gives those of the layout: its head, and behind that media of its parts, and bytes, up to its size.
func (k *keptLayout) segments() (all []segment, err error) {
	at := int64(0)
	for i, s := range k.Segments {
		of := segment{s.Offset, s.Length, s.Part, s.At, s.Bytes}
		right := of.offset == at && of.length >= 0
		switch {
		case i == 0:
			right = right && of.part == noPart && of.bytes == nil && of.length == k.HeadSize
		case of.part == noPart:
			right = right && of.bytes != nil && int64(len(of.bytes)) == of.length
		default:
			right = right && of.bytes == nil && of.part >= 0 && of.part < len(k.Parts) && of.at >= 0
		}
		if !right {
			return nil, errNoLayout
		}
		at += of.length
		all = append(all, of)
	}
	if at != k.Size {
		return nil, errNoLayout
	}
	return all, nil
}

// keptKey is the key of the record of a clip's layout.
func (c *Clip) keptKey() cache.Key { return "l-" + c.key }

// mayKeep reports whether the layout of a clip may be kept, and one that is kept be used: nothing is known but that its calls bring
// just its parts.
func (c *Clip) mayKeep(d *detail) bool {
	usual := func(p resolve.Part) bool { return p.Lost == "" && p.Asked == nil && len(p.Over) == 0 }
	return c.looked != nil && c.key == c.planned && len(d.parts) > 1 && len(d.over) == 0 && c.library.allBrought(c.looked) &&
		!slices.ContainsFunc(d.parts, func(p resolve.Part) bool { return !usual(p) })
}

// keep keeps a layout that was made of certain parts, in place of one that was kept before. Without it the next run reads the heads.
func (c *Clip) keep(ctx context.Context, d *detail, made *layout, parts []resolve.Resolved) {
	same := func(a resolve.Resolved, b resolve.Part) bool {
		return a.Payload.Key == b.Key && a.Part.GapBefore == b.GapBefore
	}
	if !c.mayKeep(d) || len(made.joined.LeftOut()) > 0 || !slices.EqualFunc(parts, d.parts, same) {
		return
	}
	kept := keptLayout{Size: made.size, HeadSize: made.headSize, Digest: made.digest[:]}
	for i := range made.parts {
		p := &made.parts[i]
		stamp, ok := c.library.downloads.HeadStamp(p.payload.Key)
		if !ok {
			return
		}
		kept.Parts = append(kept.Parts, keptPart{stamp, p.tables[:], p.start, p.end})
	}
	for _, s := range made.segments {
		kept.Segments = append(kept.Segments, keptSegment{s.offset, s.length, s.part, s.at, s.bytes})
	}
	record, err := json.Marshal(kept)
	if err == nil {
		records, first := c.library.downloads.Records(), made.parts[0].payload
		records.Drop(c.keptKey())
		err = records.Write(ctx, c.keptKey(), first, made.request().Expires, record)
	}
	if err != nil {
		c.library.options.Logger.Debug("layout not kept", "stream", c.stream.Name, "span", c.span, "error", err)
	}
}

// keptLayout gives the layout that an earlier run has kept, if it is right: the joined head and the heads of all parts are those that it was
// made with. It reads none of them.
func (c *Clip) keptLayout(ctx context.Context, d *detail) (*layout, bool) {
	l := c.library
	if !c.mayKeep(d) || !l.downloads.Records().Has(c.keptKey()) {
		return nil, false
	}
	record, err := l.downloads.Records().Read(ctx, c.keptKey())
	var kept keptLayout
	if err != nil || json.Unmarshal(record, &kept) != nil || len(kept.Parts) != len(d.parts) {
		return nil, false
	}
	out := &layout{key: c.key, size: kept.Size, headSize: kept.HeadSize, parts: make([]layoutPart, len(d.parts))}
	opening := l.opened.Add(1)
	for i, p := range d.parts {
		stamp, ok := l.downloads.HeadStamp(p.Key)
		if k := &kept.Parts[i]; !ok || stamp != k.Head || len(k.Tables) != len(out.parts[i].tables) {
			return nil, false
		}
		p.Opening = opening
		out.parts[i] = layoutPart{payload: p.Payload(c.stream, l.options.Selector), start: kept.Parts[i].Start, end: kept.Parts[i].End}
		copy(out.parts[i].tables[:], kept.Parts[i].Tables)
	}
	if out.segments, err = kept.segments(); err != nil {
		return nil, false
	}
	out.nameFor(l.joining(), d.parts)
	if string(out.digest[:]) != string(kept.Digest) || !l.cache.Has(out.headKey) || !out.keeps(l.identities) {
		return nil, false
	}
	for i := range out.parts {
		l.downloads.RecallHead(out.parts[i].payload.Key, out.parts[i].tables)
	}
	out.again = c.joinAgain
	return out, true
}

// joinAgain joins the parts of a clip whose layout was kept. It reads their heads.
func (c *Clip) joinAgain(ctx context.Context) (*layout, error) {
	d, err := c.detail(ctx)
	if err != nil {
		return nil, err
	}
	all, err := c.resolveAll(ctx, d, func() {}, nil)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(all, func(r resolve.Resolved) bool { return r.Part.Lost != "" }) {
		return nil, fmt.Errorf("not all parts are served now: %w", archive.ErrChanged)
	}
	return c.layOut(ctx, all)
}

// plan gives the plan of the joined file. That of a layout that was kept is made when it is first asked for.
func (l *layout) plan(ctx context.Context) (*join.File, error) {
	if l.joined != nil {
		return l.joined, nil
	}
	if made := l.remade.Load(); made != nil {
		return made, nil
	}
	made, err := l.again(ctx)
	if err != nil {
		return nil, err
	}
	if made.digest != l.digest {
		return nil, fmt.Errorf("the clip's heads are others than before: %w", archive.ErrChanged)
	}
	l.remade.Store(made.joined)
	return made.joined, nil
}
