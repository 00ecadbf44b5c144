package web

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"clipfs/clip/recent"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/crypto/bcrypt"
)

const (
	// verifiedFor is how long a password that was right is not computed again: bcrypt takes some 50 ms on purpose, and a
	// player asks every few seconds.
	verifiedFor, maxVerified = 10 * time.Minute, 1024
	// attemptsFor is how long failed logins of an address count, freeAttempts how many are answered at once, and maxAttempts
	// how many are answered at all; each between takes attemptPause longer than the one before.
	attemptsFor, maxAddresses = time.Minute, 4096
	freeAttempts, maxAttempts = 3, 20
	attemptPause              = 250 * time.Millisecond
	// computedAtOnce is how many passwords are computed at once.
	computedAtOnce = 2
)

var (
	errPassword     = errors.New("wrong name or password")
	errManyAttempts = errors.New("too many failed logins")
)

// passwords checks names and passwords by a file of "name:hash" lines, as htpasswd -B writes it. The file is read again when it has
// changed. It is safe for concurrent use.
type passwords struct {
	path string
	// nobody is a hash that is computed for names that there are not, so that they take as long.
	nobody   []byte
	computes chan struct{}

	// mu guards the rest.
	mu      sync.Mutex
	changed time.Time
	size    int64
	hashes  map[string][]byte
	// verified has when passwords were found right, by name, password and hash; failed the attempts of addresses that were not.
	verified *simplelru.LRU[[sha256.Size]byte, time.Time]
	failed   *simplelru.LRU[string, attempts]
}

// attempts are the failed logins of an address, and when the last of them was.
type attempts struct {
	count int
	last  time.Time
}

// readPasswords reads the file for the first time.
func readPasswords(path string) (*passwords, error) {
	nobody, err := bcrypt.GenerateFromPassword([]byte("nobody"), bcrypt.DefaultCost)
	if err != nil {
		return nil, fmt.Errorf("passwords: %w", err)
	}
	p := &passwords{
		path: path, nobody: nobody, computes: make(chan struct{}, computedAtOnce),
		verified: recent.List[[sha256.Size]byte, time.Time](maxVerified), failed: recent.List[string, attempts](maxAddresses),
	}
	_, err = p.hash("")
	return p, err
}

// hash gives the hash of a name; nil where there is none.
func (p *passwords) hash(name string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(p.path)
	if err != nil {
		return nil, fmt.Errorf("passwords: %w", err)
	}
	if p.hashes == nil || !info.ModTime().Equal(p.changed) || info.Size() != p.size {
		text, err := os.ReadFile(p.path)
		if err != nil {
			return nil, fmt.Errorf("passwords: %w", err)
		}
		hashes, err := parsePasswords(text)
		if err != nil {
			return nil, fmt.Errorf("passwords %s: %w", p.path, err)
		}
		p.hashes, p.changed, p.size = hashes, info.ModTime(), info.Size()
	}
	return p.hashes[name], nil
}

// parsePasswords reads the lines of an htpasswd file. Only bcrypt is taken: the other hashes of htpasswd can be reversed.
func parsePasswords(text []byte) (map[string][]byte, error) {
	hashes := make(map[string][]byte)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, ok := strings.Cut(line, ":")
		if _, err := bcrypt.Cost([]byte(hash)); !ok || name == "" || err != nil {
			return nil, fmt.Errorf("line %d is not name:hash with bcrypt: write it with htpasswd -B", n)
		}
		hashes[name] = []byte(hash)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(hashes) == 0 {
		return nil, errors.New("no name in it: write one with htpasswd -B")
	}
	return hashes, nil
}

// check gives nil for a right password, and errPassword or errManyAttempts else. The more attempts of an address have failed the
// longer it takes.
func (p *passwords) check(ctx context.Context, address, name, password string) error {
	hash, err := p.hash(name)
	if err != nil {
		return err
	}
	known := sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s%s", len(name), name, len(password), password, hash))
	failed, verified := p.attempt(address, known, hash != nil)
	switch {
	case verified:
		return nil
	case failed >= maxAttempts:
		return errManyAttempts
	}
	if err := pause(ctx, time.Duration(max(0, failed-freeAttempts))*attemptPause); err != nil {
		return err
	}
	if err := p.compute(ctx, hash, password); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed.Remove(address)
	p.verified.Add(known, time.Now())
	return nil
}

// attempt tells whether a password was found right lately; else it counts as failed until it is known to be right, so that attempts
// side by side count too, and failed is how many have before it.
func (p *passwords) attempt(address string, known [sha256.Size]byte, is bool) (failed int, verified bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if at, ok := p.verified.Get(known); ok && is && now.Sub(at) < verifiedFor {
		return 0, true
	}
	a, _ := p.failed.Get(address)
	if now.Sub(a.last) > attemptsFor {
		a.count = 0
	}
	p.failed.Add(address, attempts{a.count + 1, now})
	return a.count, false
}

// compute compares a password with a hash, nil for one of a name that there is not.
func (p *passwords) compute(ctx context.Context, hash []byte, password string) error {
	select {
	case p.computes <- struct{}{}:
		defer func() { <-p.computes }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	against := hash
	if hash == nil {
		against = p.nobody
	}
	if err := bcrypt.CompareHashAndPassword(against, []byte(password)); err != nil || hash == nil {
		return errPassword
	}
	return nil
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
