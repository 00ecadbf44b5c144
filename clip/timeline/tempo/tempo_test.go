package tempo_test

import (
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/timeline/tempo"
)

// TestPagesAreEven: the pages of a listing are about as large as each other, so that the end of it does not wait for a small one, are as few as can be, and
// ask for hardly more than there is.
func TestPagesAreEven(t *testing.T) {
	for minutes := 40; minutes < 400; minutes += 7 {
		span := archive.NewSpan(memory.Base(), time.Duration(minutes)*time.Minute)
		all := 30 * minutes
		given, asked, pages, last := 0, 0, 0, 0
		for ; given < all; pages++ {
			last = tempo.Tempo{PerMinute: 30}.Left(span, given)
			asked += last
			given += last
		}
		if last > 1000 || pages > 2 && last < 300 {
			t.Errorf("%d minutes: the last of %d pages is of %d", minutes, pages, last)
		}
		if fewest := (all + all/20 + 40 + 999) / 1000; pages > fewest || asked > all+all/20+40 && pages > 1 {
			t.Errorf("%d minutes: %d pages for %d fragments, which ask for %d", minutes, pages, all, asked)
		}
	}
}
