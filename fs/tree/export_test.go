package tree

import (
	"log/slog"
	"time"
)

// Explain says with an explainer of its own that names are none, one every so often.
func Explain(logger *slog.Logger, names []string, every time.Duration) {
	e := newExplainer(logger)
	for _, name := range names {
		e.say(slog.LevelInfo, name, "cam/"+name, "reason")
		time.Sleep(every)
	}
}
