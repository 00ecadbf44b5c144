package web_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"clipfs/fs/web"
)

// TestHosts: only names of this machine, addresses and names that were told are answered for.
func TestHosts(t *testing.T) {
	s := serve(t, recorded(), web.Options{Hosts: []string{"cameras.example"}})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "LocalHost": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "192.0.2.7": 200,
		"cameras.example": 200, "Cameras.Example.:443": 200,
		"evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "cameras.example.evil": 421,
		"[::1].evil.example": 421, "::1%25lo.evil.example": 421, "localhost..": 421, "localhost,evil.example": 421, "evil.example:localhost": 421, "[evil.example]": 421,
	} {
		if got := ask(t, s, http.MethodGet, "/", "Host", host); got.status != want {
			t.Errorf("%s: %d, want %d", host, got.status, want)
		}
	}
}

// TestMethods: nothing but reading is answered, and OPTIONS says so.
func TestMethods(t *testing.T) {
	s := serve(t, recorded(), web.Options{})
	for _, method := range []string{
		http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch, http.MethodTrace, "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "PROPPATCH", "REPORT", "NONSENSE",
	} {
		got := ask(t, s, method, at+"1m.mp4")
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD, OPTIONS, PROPFIND" {
			t.Errorf("%s: %d, allowed %q", method, got.status, got.header.Get("Allow"))
		}
	}
	got := ask(t, s, http.MethodOptions, at)
	if got.status != http.StatusOK || got.header.Get("Dav") != "1" || got.header.Get("Allow") != "GET, HEAD, OPTIONS, PROPFIND" {
		t.Errorf("OPTIONS: %d, %v", got.status, got.header)
	}
}

// TestCORS: pages of others may read only where they were told.
func TestCORS(t *testing.T) {
	const told = "https://site.example"
	for _, row := range []struct{ set, origin, want string }{
		{"", told, ""}, {told, told, told}, {told, "https://evil.example", ""}, {"*", "https://evil.example", "*"},
	} {
		s := serve(t, recorded(), web.Options{CORS: row.set})
		if got := ask(t, s, http.MethodGet, "/", "Origin", row.origin).header.Get("Access-Control-Allow-Origin"); got != row.want {
			t.Errorf("set %q, from %s: %q, want %q", row.set, row.origin, got, row.want)
		}
		pre := ask(t, s, http.MethodOptions, at+"1m.mp4", "Origin", row.origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "range")
		if got := pre.header.Get("Access-Control-Allow-Headers"); (got != "") != (row.want != "") {
			t.Errorf("set %q, from %s: a browser that asks first is told %q", row.set, row.origin, got)
		}
	}
}

// TestPolicy: browsers are told to run nothing that stands in a page.
func TestPolicy(t *testing.T) {
	s := serve(t, recorded(), web.Options{})
	for _, path := range []string{"/", at, at + "1m.mp4", "/nothing", at + "1m.svg"} {
		policy := ask(t, s, http.MethodGet, path).header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %q", path, policy)
		}
	}
}

// passwordFile writes an htpasswd file.
func passwordFile(t *testing.T, path string, all map[string]string) {
	t.Helper()
	text := "# who may look\n\n"
	for name, password := range all {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		text += name + ":" + strings.Replace(string(hash), "$2a$", "$2y$", 1) + "\n" // as Apache writes it
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPasswords: a name and its password are needed, those of a file that changes are taken up, and what was right once goes on
// only as long as it is right.
func TestPasswords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "htpasswd")
	passwordFile(t, path, map[string]string{"ann": "secret", "bob": "other"})
	s := serve(t, recorded(), web.Options{Passwords: path})
	ask := func(name, password string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if name != "" {
			r.SetBasicAuth(name, password)
		}
		answer, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if asked := answer.Header.Get("Www-Authenticate"); (answer.StatusCode == http.StatusUnauthorized) != (asked != "") {
			t.Errorf("%d, and asks %q", answer.StatusCode, asked)
		}
		return answer.StatusCode
	}
	for _, row := range []struct {
		name, password string
		want           int
	}{
		{"", "", 401}, {"ann", "secret", 200}, {"ann", "secret", 200}, {"bob", "other", 200}, {"ann", "other", 401}, {"carl", "secret", 401}, {"ann", "", 401},
	} {
		if got := ask(row.name, row.password); got != row.want {
			t.Errorf("%s %s: %d, want %d", row.name, row.password, got, row.want)
		}
	}
	passwordFile(t, path, map[string]string{"ann": "anew", "long": "a longer file"})
	if old, now := ask("ann", "secret"), ask("ann", "anew"); old != 401 || now != 200 {
		t.Errorf("after the password was changed: %d with the old one, %d with the new one", old, now)
	}
}

// TestPasswordFiles: a file that would let in nobody, or that has hashes that can be reversed, is refused at the start.
func TestPasswordFiles(t *testing.T) {
	for _, text := range []string{"", "# nobody\n", "ann\n", "ann:\n", "ann:secret\n", "ann:$apr1$x$y\n", "ann:{SHA}x=\n", ":$2y$04$abc\n"} {
		path := filepath.Join(t.TempDir(), "htpasswd")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := web.New(nil, web.Options{Passwords: path}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if _, err := web.New(nil, web.Options{Passwords: "/nothing/there"}); err == nil {
		t.Error("a file that is not there is taken")
	}
}

// TestLoginsAreSlowed: whoever guesses passwords is slowed, then refused, also side by side; a minute later he may try again.
func TestLoginsAreSlowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "htpasswd")
	passwordFile(t, path, map[string]string{"ann": "secret"})
	synctest.Test(t, func(t *testing.T) {
		check := web.PasswordCheck(t, path)
		begun := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { _ = check(t.Context(), "192.0.2.1", "ann", "wrong") })
		}
		all.Wait()
		if took := time.Since(begun); took < time.Second {
			t.Errorf("a hundred guesses side by side took %v", took)
		}
		if err := check(t.Context(), "192.0.2.1", "ann", "secret"); err == nil {
			t.Error("after a hundred wrong guesses the right one is taken at once")
		}
		if err := check(t.Context(), "192.0.2.2", "ann", "secret"); err != nil {
			t.Errorf("another address: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if err := check(t.Context(), "192.0.2.1", "ann", "secret"); err != nil {
			t.Errorf("two minutes later: %v", err)
		}
	})
}
