// Package redact makes texts that come from outside fit for errors and the log: one line each, without anything that is
// secret or that was signed.
package redact

import (
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// maxSecrets is how many secrets are remembered: those of the credentials in use, and of some before.
	maxSecrets = 16
	// shortestSecret is the shortest that is looked for in texts; what is shorter protects nothing and occurs everywhere.
	shortestSecret = 8
	// signatureDigits is how long a signature is, in hexadecimal digits (Signature Version 4: HMAC-SHA256).
	signatureDigits = 64
	// hidden stands where a secret stood.
	hidden = "[hidden]"
)

// Secrets knows what must not be in a text that leaves: a service that is broken or hostile may quote what it was sent. The zero value
// works, and is safe for concurrent use.
type Secrets struct {
	// mu guards known.
	mu    sync.Mutex
	known []string
}

// Note remembers the secrets of credentials.
func (s *Secrets) Note(c aws.Credentials) {
	for _, secret := range []string{c.SecretAccessKey, c.SessionToken} {
		if len(secret) < shortestSecret {
			continue
		}
		s.mu.Lock()
		if !slices.Contains(s.known, secret) {
			if len(s.known) == maxSecrets {
				s.known = s.known[1:]
			}
			s.known = append(slices.Clone(s.known), secret)
		}
		s.mu.Unlock()
	}
}

// hide takes secrets and signatures out of a text.
func (s *Secrets) hide(text string) string {
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	for _, secret := range known {
		text = strings.ReplaceAll(text, secret, hidden)
		text = strings.ReplaceAll(text, url.QueryEscape(secret), hidden)
	}
	return hideDigits(text)
}

// Tidy makes one line of a text from outside that has no secret in it.
func (s *Secrets) Tidy(text string) string { return Line(s.hide(text)) }

// hideDigits takes out what may be a signature, or the hash that is signed.
func hideDigits(text string) string {
	var out strings.Builder
	for text != "" {
		digits := len(text) - len(strings.TrimLeftFunc(text, isHex))
		if digits >= signatureDigits {
			out.WriteString(hidden)
		} else {
			out.WriteString(text[:digits])
		}
		text = text[digits:]
		rest := strings.TrimLeftFunc(text, func(r rune) bool { return !isHex(r) })
		out.WriteString(text[:len(text)-len(rest)])
		text = rest
	}
	return out.String()
}

// isHex tells whether a character is a hexadecimal digit.
func isHex(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
}
