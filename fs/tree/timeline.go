package tree

import (
	"context"
	"encoding/json"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/playlist"
)

// activitySteps is into how many steps the activity of a span is divided at most; they are not shorter than activityLeast.
const (
	activitySteps = 1440
	activityLeast = time.Second
)

// timelineText is what is recorded in a span, as pages draw it and find times by. Times are in milliseconds since 1970, lengths and
// positions in milliseconds.
type timelineText struct {
	Stream archive.StreamName `json:"stream"`
	Start  int64              `json:"start"`
	End    int64              `json:"end"`
	// Runs have their start, their position in the playlist of the same span, and their length there.
	Runs [][3]int64 `json:"runs"`
	// Step is the length of a step of Activity, which is how many bytes are stored of what starts in it.
	Step     int64   `json:"step"`
	Activity []int64 `json:"activity"`
}

// timelineOf is that text. Positions are those of the .m3u8 of the clip.
func timelineOf(ctx context.Context, _ source, c *clip.Clip) (made, error) {
	return textOf(ctx, c, func(r clip.Recording) []byte {
		t := timelineText{Stream: r.Stream.Name, Start: r.Span.Start.UnixMilli(), End: r.Span.End.UnixMilli(), Runs: [][3]int64{}}
		for i, s := range playlist.Cut(r.Fragments, r.Rule, playlist.Options{}) {
			if i == 0 || s.Discontinuity {
				t.Runs = append(t.Runs, [3]int64{s.Span.Start.UnixMilli(), s.PTS.Milliseconds(), 0})
			}
			last := &t.Runs[len(t.Runs)-1]
			last[2] = (s.PTS + s.Span.Length()).Milliseconds() - last[1]
		}
		step := max(activityLeast, (r.Span.Length() / activitySteps).Round(activityLeast))
		t.Step = step.Milliseconds()
		t.Activity = make([]int64, (r.Span.Length()+step-1)/step)
		for _, f := range r.Fragments {
			if at := int(f.Time(r.Rule.By).Sub(r.Span.Start) / step); at >= 0 && at < len(t.Activity) {
				t.Activity[at] += f.Size
			}
		}
		text, err := json.Marshal(t)
		if err != nil {
			panic(err) // numbers and a name always can be
		}
		return text
	})
}
