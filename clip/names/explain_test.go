package names_test

import (
	"strings"
	"testing"
	"time"

	"clipfs/clip/names"
)

// TestExplain: names that are evidently meant as times or lengths are explained with the right form, others are not, and
// none that resolves.
func TestExplain(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	g := names.Grammar{Location: zone, Forms: append(forms(), names.Segment)}
	start, err := g.ParseStart("2024-01-01T10:00")
	if err != nil {
		t.Fatal(err)
	}
	inStream := func(name string) string { return g.ExplainStart(name) }
	inStart := func(name string) string { return g.ExplainFile(start, name) }
	inLast := func(name string) string { return g.ExplainLast(name) }
	for _, test := range []struct {
		explain func(string) string
		names   string
		// says is what the explanation has; empty for none at all.
		says string
	}{
		{inStream, "2024-1-1|2024-01-01 10:00|2024-01-01_10:00|2024_01_01|01.02.2024|10:00|T1000|T10:00|1704103200|2024-01-01T10:00:|" +
			"2024-01-01T10h00|10:00am|2024-01-01t10:00", "starts are written 2024-01-01"},
		{inStream, "yesterday|Yesterday|yesterday 10:00|today|now|now-10m|monday|Mon|tomorrow|noon|midnight", "clipfs path"},
		{inStream, "10m.mp4|1h30m.json|10min.mp4", "clips are in the directory of a start"},
		{inStream, "10m.jpg|2024-1-1.jpg|2024-01-01T10:07:30.jpeg|2024-01-01T10:07:30.png|2024-01-01T10:07:30.JPG|2024-01-01 10:00.jpg|" +
			"10:00.jpg|20240101.cover.jpg", "directory of the stream, front-door/2024-01-01T10:07:30.jpg"},
		{inStream, "yesterday.jpg|now.jpg", "clipfs path"},
		{inStream, "2023-02-29.jpg", "there is no such day; the picture of an instant"},
		{inStream, "cover.jpg|.2024-01-01.jpg.x8Yz3|albumart.png|x.jpg|.jpg", ""},
		{inStream, "2023-02-29|20230229T10", "there is no such day; starts are"},
		{inStream, "2024-03-31T02:30", "does not occur in Europe/Berlin; starts are"},
		{inStream, ".hidden|.Trash-1000|desktop.ini|autorun.inf|.xdg-volume-info|.git|HEAD|objects|latest.txt|lost+found|folder.jpg|" +
			"index.html|AACS|BDMV|VIDEO_TS|.DS_Store|._2024-01-01|Thumbs.db|x|$RECYCLE.BIN|monster|sunshine|nowhere|m3u8|mtab|h264||.|-|:|T|" +
			"2024-01-01|20240101T1000|2024-01-01T10:00Z", ""},
		{inStart, "10min.mp4|10mins.mp4|10minutes.mp4|10.mp4|1.5h.mp4|10M.mp4|1week.mp4|10 m.mp4|1h 30m.mp4|10sec.json|10min.cover.mp4|" +
			"90minutes.mp4|30m1h.mp4", "lengths are written 10m, 1h30m, up to 24h"},
		{inStart, "25h.mp4|2d.mp4|24h1s.mp4|1000000m.mp4", "it is over 24 h; lengths are"},
		{inStart, "0s.mp4|0h0m.json", "it is nothing; lengths are"},
		{inStart, "10m.MP4|10m.mkv|10m.mov|1h.TS|2024-01-01T10:07.mkv", "clips end in .mp4"},
		{inStart, "yesterday.mp4", "clipfs path"},
		{inStart, "2024-1-1.mp4|10:30.mp4|T1030", "starts are written"},
		{inStart, "2024-01-01T09:00.mp4|2024-01-03.mp4|2024-01-01T10:00.json", "is not within 24 h after 2024-01-01T10:00"},
		{inStart, "2024-01-01T11:00|2024-01-02", "it is not in 2024-01-01T10:00"},
		{inStart, "10m.mp4|1h30m.json|10m.cover.mp4|2024-01-01T10:07:30.mp4|.mp4|.hidden.mp4|clip.mp4|movie.json|10m.srt|10m.nfo|" +
			"10m.mp4.part|.10m.mp4.x8Yz3|10m.jpg|cover.jpg|package.json|desktop.ini|Thumbs.db|10m.mp4:Zone.Identifier|" +
			"2024-01-01T10:00", ""},
		{inStart, "6s.pts.ts|6s.pts0.ts|6s.pts01.ts|6s.ptsx.ts|6s.pts-1.ts|6s.pts1s.ts|6s.pts1.5.ts|6s.pts123456789012345.ts", "positions of segments are written 6s.pts36000000.ts"},
		{inLast, "6s.pts.ts", "positions of segments are written"},
		{inStart, "6sec.pts7.ts", "lengths are written"},
		{inStart, "6s.ts|6s.pts7.ts|.6s.pts.ts|6s.pts0.mp4", ""},
		{inLast, "10min.mp4|10.mp4|25h.mp4|yesterday.mp4|2024-01-01T10:00.mp4|10min", "lengths are written"},
		{inLast, "10m.mkv|10m.MP4", "clips end in .mp4"},
		{inLast, "10m.mp4|10m.json|10m|10m.srt|.hidden|clip.mp4|desktop.ini", ""},
	} {
		for name := range strings.SplitSeq(test.names, "|") {
			got := test.explain(name)
			if test.says == "" && got != "" || !strings.Contains(got, test.says) {
				t.Errorf("%q: got %q, want %q", name, got, test.says)
			}
		}
	}
}
