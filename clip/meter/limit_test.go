package meter_test

import (
	"testing"
	"time"

	"clipfs/clip/meter"
)

func TestPeriods(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	at := time.Date(2024, 3, 1, 0, 30, 1, 2, berlin) // in UTC that is the day before, of a leap year
	for _, test := range []struct {
		per        meter.Period
		start, end string
	}{
		{meter.PerHour, "2024-02-29T23:00:00Z", "2024-03-01T00:00:00Z"},
		{meter.PerDay, "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
		{meter.PerMonth, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
	} {
		start, end := meter.PeriodOf(test.per, at)
		if got := [2]string{start.Format(time.RFC3339), end.Format(time.RFC3339)}; got != [2]string{test.start, test.end} {
			t.Errorf("%s: got %q, want %s to %s", test.per, got, test.start, test.end)
		}
		if p, err := meter.ParsePeriod(test.per.String()); p != test.per || err != nil {
			t.Errorf("%s is read as %s, %v", test.per, p, err)
		}
	}
	if _, err := meter.ParsePeriod("week"); err == nil {
		t.Error("a week is no period")
	}
}
