package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
)

// NewConnections is how Listen bounds the connections of a server.
func NewConnections(l net.Listener, most int, server *http.Server) net.Listener {
	return newConnections(l, most, server)
}

// Extent is bytes on the disk to send.
func Extent(f *os.File, at, n int64) io.Reader { return &extent{file: f, at: at, left: n} }

// PasswordCheck gives what checks logins by a file.
func PasswordCheck(t *testing.T, path string) func(ctx context.Context, address, name, password string) error {
	t.Helper()
	p, err := readPasswords(path)
	if err != nil {
		t.Fatal(err)
	}
	return p.check
}
