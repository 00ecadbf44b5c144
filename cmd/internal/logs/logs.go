// Package logs makes the logger of a command: text or JSON on stderr, each line with the number of the operation in whose
// course it was written.
package logs

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"clipfs/clip/archive"
)

// Format is how a line looks.
type Format string

const (
	// Text is key=value.
	Text Format = "text"
	// JSON is an object a line; durations are in seconds.
	JSON Format = "json"
)

// OneLine gives the text of an error as one line.
func OneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(c rune) bool { return c == '\n' || c == '\r' }), "; ")
}

// New gives a logger.
func New(w io.Writer, f Format, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if f == JSON {
		o.ReplaceAttr = inSeconds
		return slog.New(operations{slog.NewJSONHandler(w, o)})
	}
	return slog.New(operations{slog.NewTextHandler(w, o)})
}

// inSeconds writes durations as numbers of seconds, where slog would write nanoseconds.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.Float64Value(a.Value.Duration().Seconds())
	}
	return a
}

const operationAttr = "op"

// operations adds the number of the operation that the context of a line carries.
type operations struct{ slog.Handler }

func (h operations) Handle(ctx context.Context, r slog.Record) error {
	if op, ok := archive.OperationOf(ctx); ok {
		r.AddAttrs(slog.Uint64(operationAttr, op.ID))
	}
	return h.Handler.Handle(ctx, r)
}

func (h operations) WithAttrs(attrs []slog.Attr) slog.Handler {
	return operations{h.Handler.WithAttrs(attrs)}
}

func (h operations) WithGroup(name string) slog.Handler { return operations{h.Handler.WithGroup(name)} }
