package logs_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/cmd/internal/logs"
)

// TestLines: a line has the number of the operation in its context, also below attributes that were given before, and
// none where there is none.
func TestLines(t *testing.T) {
	ctx := archive.WithOperation(t.Context(), archive.Operation{ID: 17})
	for _, format := range []logs.Format{logs.Text, logs.JSON} {
		var out bytes.Buffer
		log := logs.New(&out, format, slog.LevelInfo).With("stream", "door")
		log.InfoContext(ctx, "with", "took", 1500*time.Millisecond)
		log.Info("without")
		log.DebugContext(ctx, "not written")
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 2 {
			t.Fatalf("%s: %d lines: %s", format, len(lines), out.String())
		}
		want := []string{"op=17", "took=1.5s", "stream=door"}
		if format == logs.JSON {
			want = []string{`"op":17`, `"took":1.5`, `"stream":"door"`}
		}
		for _, w := range want {
			if !strings.Contains(lines[0], w) {
				t.Errorf("%s: no %s in %s", format, w, lines[0])
			}
		}
		if strings.Contains(lines[1], "op") {
			t.Errorf("%s: an operation in %s", format, lines[1])
		}
		if format == logs.JSON && !json.Valid([]byte(lines[0])) {
			t.Errorf("no JSON: %s", lines[0])
		}
	}
}
