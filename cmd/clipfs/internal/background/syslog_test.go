package background_test

import (
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"clipfs/cmd/clipfs/internal/background"
)

// TestSyslog: lines of slog come to the socket with the severity of their level (RFC 3164: facility daemon, 3, times 8).
func TestSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	log, err := background.DialSyslog(path, "clipfs")
	if err != nil {
		t.Fatal(err)
	}
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(log, options)), slog.New(slog.NewJSONHandler(log, options))} {
		for level, severity := range map[slog.Level]string{slog.LevelDebug: "31", slog.LevelInfo: "30", slog.LevelWarn: "28", slog.LevelError: "27"} {
			logger.Log(t.Context(), level, "serving", "mountpoint", "/mnt")
			if err := socket.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 4096)
			n, err := socket.Read(buf)
			want := regexp.MustCompile(`^<` + severity + `>.*clipfs\[\d+\]: .*serving.*mountpoint.*/mnt`)
			if err != nil || !want.Match(buf[:n]) {
				t.Errorf("%s came as %q, %v; want %s", level, buf[:n], err, want)
			}
		}
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if _, err := background.DialSyslog(path+"x", "clipfs"); err == nil {
		t.Error("a log that is not there was connected to")
	}
}
