package background

import (
	"bytes"
	"log/syslog"
)

// levelWithin is how far into a line slog writes its level.
const levelWithin = 100

// Syslog is the system's log, which systemd's journal takes too. Each Write is a line.
type Syslog struct{ writer *syslog.Writer }

// DialSyslog connects to the system's log, or to one at an address if that is not empty (a datagram socket of the local
// machine). Lines are from a program of that name.
func DialSyslog(address, name string) (*Syslog, error) {
	network := ""
	if address != "" {
		network = "unixgram"
	}
	w, err := syslog.Dial(network, address, syslog.LOG_DAEMON|syslog.LOG_INFO, name)
	if err != nil {
		return nil, err
	}
	return &Syslog{writer: w}, nil
}

// Write implements io.Writer, with the severity that slog's level in the line says.
func (s *Syslog) Write(line []byte) (int, error) {
	head := line[:min(len(line), levelWithin)]
	write := s.writer.Info
	switch {
	case has(head, "ERROR"):
		write = s.writer.Err
	case has(head, "WARN"):
		write = s.writer.Warning
	case has(head, "DEBUG"):
		write = s.writer.Debug
	}
	if err := write(string(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

func has(head []byte, level string) bool {
	return bytes.Contains(head, []byte("level="+level)) || bytes.Contains(head, []byte(`"level":"`+level))
}

// Close ends the connection.
func (s *Syslog) Close() error { return s.writer.Close() }
