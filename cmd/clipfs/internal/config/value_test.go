package config_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"clipfs/clip/archive"
	"clipfs/cmd/clipfs/internal/config"
)

// kinds gives a fresh flag of each kind.
func kinds() map[string]pflag.Value {
	return map[string]pflag.Value{
		"size": config.Size(new(int64), 1), "zone": config.Zone(new(*time.Location)), "names": config.Names(new(bool)),
		"selector": config.Choice(new(archive.Selector), archive.Selector.String, archive.ByProducer, archive.ByServer),
		"level":    config.Level(new(slog.Level)), "positive": config.Positive(new(time.Duration)), "age": config.Age(new(time.Duration)),
		"share": config.ShareValue(new(config.Share)),
	}
}

func TestValues(t *testing.T) {
	tests := []struct {
		kind, text, want string
		bytes            int64
	}{
		{kind: "size", text: "10GiB", want: "10GiB", bytes: 10 << 30},
		{kind: "size", text: "10g", want: "10GiB", bytes: 10 << 30},
		{kind: "size", text: "500MB", want: "500MB", bytes: 500_000_000},
		{kind: "size", text: "123456789", want: "123456789", bytes: 123_456_789},
		{kind: "size", text: "1.5GiB", want: "1.5GiB", bytes: 3 << 29},
		{kind: "size", text: "4096", want: "4KiB", bytes: 4096},
		{kind: "zone", text: "Europe/Berlin", want: "Europe/Berlin"},
		{kind: "zone", text: "UTC", want: "UTC"},
		{kind: "names", text: "basic", want: "basic"},
		{kind: "names", text: "extended", want: "extended"},
		{kind: "selector", text: "server", want: "server"},
		{kind: "selector", text: "producer", want: "producer"},
		{kind: "level", text: "debug", want: "debug"},
		{kind: "level", text: "warn", want: "warn"},
		{kind: "level", text: "error", want: "error"},
		{kind: "level", text: "info", want: "info"},
		{kind: "positive", text: "90s", want: "1m30s"},
		{kind: "age", text: "7d", want: "7d"},
		{kind: "age", text: "36h", want: "1d12h0m0s"},
		{kind: "age", text: "1d12h", want: "1d12h0m0s"},
		{kind: "share", text: "5%", want: "5%"},
		{kind: "share", text: "0.5%", want: "0.5%"},
		{kind: "share", text: "20GiB", want: "20GiB"},
		{kind: "share", text: "0", want: "0B"},
	}
	for _, test := range tests {
		v := kinds()[test.kind]
		if err := v.Set(test.text); err != nil {
			t.Errorf("%s %q: %v", test.kind, test.text, err)
			continue
		}
		if got := v.String(); got != test.want {
			t.Errorf("%s %q = %s, want %s", test.kind, test.text, got, test.want)
		}
		if got, err := config.ParseSize(test.text); test.bytes > 0 && (err != nil || got != test.bytes) {
			t.Errorf("%s %q = %d bytes, %v, want %d", test.kind, test.text, got, err, test.bytes)
		}
	}
	for kind, v := range kinds() {
		for _, text := range []string{"", "-1", "0", "Nowhere/At/All", "1e", "10 parsecs"} {
			if kind == "zone" && text == "" {
				continue // is UTC
			}
			if kind == "share" && text == "0" {
				continue // nothing is left free
			}
			if err := v.Set(text); err == nil {
				t.Errorf("%s takes %q", kind, text)
			}
		}
	}
}
