package web

import (
	"context"
	"testing"
)

// PasswordCheck gives what checks logins by a file.
func PasswordCheck(t *testing.T, path string) func(ctx context.Context, address, name, password string) error {
	t.Helper()
	p, err := readPasswords(path)
	if err != nil {
		t.Fatal(err)
	}
	return p.check
}
