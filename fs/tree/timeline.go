package tree

import (
	"context"
	"encoding/json"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/hls"
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
	// Runs have their start, their position in the playlist of the same span, and their length there: the sum of its EXTINF.
	Runs [][3]int64 `json:"runs"`
	// Others have the start and the length of what is recorded and not in the playlist, as it is of another codec.
	Others [][2]int64 `json:"others,omitempty"`
	// Video is the codec of the playlist, for people, if it is known, Silent the codings of sound that is not in it; Notes say what is unusual in
	// the playlist.
	Video  string   `json:"video,omitempty"`
	Silent []string `json:"silent,omitempty"`
	Notes  []string `json:"notes,omitempty"`
	// Step is the length of a step of Activity, which is how many bytes are stored of what starts in it.
	Step     int64   `json:"step"`
	Activity []int64 `json:"activity"`
}

// timelineOf is that text. Positions are those of the .m3u8 of the clip.
func timelineOf(ctx context.Context, s source, c *clip.Clip) (made, error) {
	laid, err := s.publisher.Lay(ctx, c, s.asked.up())
	if err != nil {
		return made{}, err
	}
	return textOf(ctx, c, "", func(r clip.Recording) []byte {
		t := timelineText{
			Stream: r.Stream.Name, Start: r.Span.Start.UnixMilli(), End: r.Span.End.UnixMilli(), Runs: runsOf(laid), Video: laid.Video, Silent: laid.Sound, Notes: laid.Notes,
		}
		t.Others = t.without(r)
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
			panic(err) // numbers and texts always can be
		}
		return text
	})
}

// runsOf are the runs of what a playlist plays.
func runsOf(laid hls.Laid) [][3]int64 {
	all := [][3]int64{}
	for i, s := range laid.Segments {
		if i == 0 || s.Discontinuity {
			all = append(all, [3]int64{s.Span.Start.UnixMilli(), s.PTS.Milliseconds(), 0})
		}
		last := &all[len(all)-1]
		last[2] = (s.PTS + s.Span.Length()).Milliseconds() - last[1]
	}
	return all
}

// without is what is recorded that no run has.
func (t *timelineText) without(r clip.Recording) [][2]int64 {
	var all [][2]int64
	run := 0
	for _, f := range r.Fragments {
		start, end := f.Time(r.Rule.By).UnixMilli(), r.Rule.End(f).UnixMilli()
		for run < len(t.Runs) && t.Runs[run][0]+t.Runs[run][2] <= start {
			run++
		}
		if run < len(t.Runs) && start >= t.Runs[run][0] {
			continue
		}
		if n := len(all) - 1; n >= 0 && start-(all[n][0]+all[n][1]) < archive.DefaultGap.Milliseconds() {
			all[n][1] = end - all[n][0]
			continue
		}
		all = append(all, [2]int64{start, end - start})
	}
	return all
}
