package told

import (
	"fmt"
	"strings"
	"time"
)

// Clock writes a time of day, UTC to the millisecond.
func Clock(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// maxListed is how many fragments a sentence names one by one.
const maxListed = 8

// Times names times, the first ones one by one.
func Times(all []time.Time) string {
	var b strings.Builder
	for i, at := range all {
		switch {
		case i == maxListed:
			fmt.Fprintf(&b, " and %d more up to %s", len(all)-i, Clock(all[len(all)-1]))
			return b.String()
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(Clock(at))
	}
	return b.String()
}
