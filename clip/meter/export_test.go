package meter

import "time"

// PeriodOf gives the bounds of the period that holds t.
func PeriodOf(p Period, t time.Time) (start, end time.Time) { return p.start(t), p.end(t) }
