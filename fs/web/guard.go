package web

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// methods are what is answered: nothing can be changed here.
const methods = "GET, HEAD, OPTIONS, PROPFIND"

// policy is what pages of ours may do in a browser: load what stands here, and nothing that stands in a page itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard says who may ask, and for what.
type guard struct {
	hosts  hosts
	origin string // of pages that may read; * for all
	// passwords is nil where everybody may.
	passwords *passwords
	logger    *slog.Logger
}

// admit lets a request through, or answers it.
func (g *guard) admit(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Vary", "Accept, Origin")
	if !g.hosts.has(r.Host) {
		refuse(w, r, http.StatusMisdirectedRequest, "this server does not answer for the host that was asked for: name it with --host")
		return false
	}
	if origin := g.origin; origin != "" && (origin == "*" || r.Header.Get("Origin") == origin) {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Range, ETag")
		header.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			header.Set("Access-Control-Allow-Methods", "GET, HEAD")
			header.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match, Authorization")
			w.WriteHeader(http.StatusNoContent)
			return false
		}
	}
	if g.passwords != nil && !g.login(w, r) {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, methodPropfind:
		return true
	case http.MethodOptions:
		header.Set("Allow", methods)
		header.Set("Dav", "1")
		header.Set("Ms-Author-Via", "DAV") // Windows asks for it
		header.Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
		return false
	}
	header.Set("Allow", methods)
	refuse(w, r, http.StatusMethodNotAllowed, "footage can only be read")
	return false
}

// login answers a request without the right name and password.
func (g *guard) login(w http.ResponseWriter, r *http.Request) bool {
	name, password, given := r.BasicAuth()
	address := client(r)
	if given {
		switch err := g.passwords.check(r.Context(), address, name, password); {
		case err == nil:
			return true
		case errors.Is(err, errManyAttempts):
			w.Header().Set("Retry-After", "30")
			refuse(w, r, http.StatusTooManyRequests, "too many failed logins from this address")
			return false
		case r.Context().Err() != nil:
			return false
		}
		g.logger.Info("login failed", "client", address)
	}
	w.Header().Set("Www-Authenticate", `Basic realm="clipfs", charset="UTF-8"`)
	refuse(w, r, http.StatusUnauthorized, "a name and a password are needed")
	return false
}

// hosts are the names that a server answers to. A page of another site that has its own name lead here, to read footage with the
// browser of somebody who may (DNS rebinding), has a Host of its own. Addresses cannot be had that way.
type hosts []string

func (all hosts) has(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(hostOf(host), "[]")), ".")
	if address, err := netip.ParseAddr(host); err == nil && address.Zone() == "" || host == "localhost" {
		return true
	}
	return slices.ContainsFunc(all, func(name string) bool { return strings.EqualFold(name, host) })
}

// gate bounds how many files are opened at once for each client address, while they wait for the archive.
type gate struct {
	most int

	// mu guards opens, which has those addresses for which any are.
	mu    sync.Mutex
	opens map[string]int
}

func newGate(most int) *gate { return &gate{most: most, opens: make(map[string]int)} }

// enter takes a place of an address until leave is called.
func (g *gate) enter(address string) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opens[address] >= g.most {
		return nil, errManyOpens
	}
	g.opens[address]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.opens[address]--; g.opens[address] == 0 {
			delete(g.opens, address)
		}
	}, nil
}
