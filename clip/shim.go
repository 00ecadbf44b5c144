package clip

import (
	"context"
	"time"
)

// Hours gives the hours with footage of the day of the newest footage.
func (l *Library) Hours(ctx context.Context, name StreamName) ([]time.Time, error) {
	newest, err := l.Latest(ctx, name)
	if err != nil {
		return nil, err
	}
	day, err := l.options.Grammar.ParseStart(l.options.Grammar.FormatStart(newest, Day))
	if err != nil {
		return nil, err
	}
	starts, err := l.DayHours(ctx, name, day)
	var hours []time.Time
	for _, s := range starts {
		hours = append(hours, s.Time)
	}
	return hours, err
}
