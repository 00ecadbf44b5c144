package timeline_test

import (
	"log/slog"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline"
)

// TestStampTellsEachHour: a listing that has one hour as it was, and the next as it is since both were replaced, is not taken for that of now.
func TestStampTellsEachHour(t *testing.T) {
	now := time.Now().UTC()
	v := timeline.View{
		Stream: archive.Stream{Name: "cam", ARN: "arn", Retention: 48 * time.Hour},
		Window: archive.Span{Start: now.Add(-48 * time.Hour), End: now},
	}
	span := archive.NewSpan(now.Add(-12*time.Hour).Truncate(time.Hour), 2*time.Hour)
	line := timeline.New(nil, timeline.Options{Selector: archive.ByProducer, TTL: time.Hour, Logger: slog.New(slog.DiscardHandler)})
	first, second := span.Start, span.Start.Add(time.Hour)
	before, next := timeline.PutHour(line, v, first), timeline.PutHour(line, v, second)
	if stamp := timeline.StampOf(before, next); stamp == 0 {
		t.Error("hours that are known have no stamp")
	} else if _, same := line.Unchanged(v, span, stamp); !same {
		t.Error("nothing has changed, and it is not known")
	}
	timeline.PutHour(line, v, first)
	next = timeline.PutHour(line, v, second)
	if _, same := line.Unchanged(v, span, timeline.StampOf(before, next)); same {
		t.Error("the first hour was replaced since, and the listing is taken for that of now")
	}
	if timeline.StampOf(before, 0) != 0 {
		t.Error("an hour that is not kept has a stamp")
	}
}
