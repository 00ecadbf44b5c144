package plot_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"clipfs/cmd/clipbench/internal/plot"
)

// TestSVG: what is drawn is well-formed, has its title, both axes and all lines, and stays on the picture.
func TestSVG(t *testing.T) {
	t.Parallel()
	text := string(plot.Plot{
		Title: "Bytes & hosts", X: "hosts", Y: "bytes a day",
		Lines: []plot.Line{{"without", []float64{1, 10, 1000}, []float64{1e6, 1e7, 1e9}}, {"with <tier>", []float64{1, 10, 1000}, []float64{1e6, 0, 2e6}}},
	}.SVG())
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"<title>Bytes &amp; hosts</title>", ">hosts<", ">bytes a day<", ">without<", ">with &lt;tier&gt;<", ">1 G<", ">1 k<", "#0072b2", "#d55e00"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "<circle"); n != 5 {
		t.Errorf("%d marks, want 5: what is 0 has no place on the axis", n)
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Error("a number is none")
	}
	if empty := string(plot.Plot{Title: "nothing"}.SVG()); strings.Contains(empty, "NaN") || strings.Contains(empty, "Inf") {
		t.Error("an empty plot has numbers that are none")
	}
}
