package warm

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/docker/go-units"
)

// bytesPerGB is what a gigabyte is in a price. The service does not say whether it bills by 10⁹ bytes or by 2³⁰; this
// gives the higher estimate.
const bytesPerGB = 1e9

// Report says what having clips in the cache would take: a line each, and the sum. price is that of a gigabyte, or 0.
func Report(out io.Writer, clips []Clip, price float64) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "TO FETCH\tSIZE\t  CLIP") // Flush gives the error
	size, missing, there := int64(0), int64(0), 0
	for _, c := range clips {
		size, missing = size+c.Size, missing+c.Missing
		if c.Missing == 0 {
			there++
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t  %s\n", bytesText(c.Missing), bytesText(c.Size), c.Path)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	cost := ""
	if price > 0 {
		cost = fmt.Sprintf(", for about %s at %s a GB", money(float64(missing)/bytesPerGB*price), strconv.FormatFloat(price, 'f', -1, 64))
	}
	_, err := fmt.Fprintf(out, "%d clips, %d in the cache: about %s of %s to fetch%s\n", len(clips), there, bytesText(missing), bytesText(size), cost)
	return err
}

// money writes an amount to the cent, a smaller one to four digits.
func money(amount float64) string {
	if amount >= 1 {
		return strconv.FormatFloat(amount, 'f', 2, 64)
	}
	return strconv.FormatFloat(amount, 'g', 2, 64)
}

func bytesText(n int64) string { return units.BytesSize(float64(n)) }
