package redact

import (
	"strings"
	"unicode"
)

// maxDetail is the longest text of an error, in bytes.
const maxDetail = 512

// Line makes one line of a text that may come from the service. A text that quotes what was signed is left out: the
// service does so when a signature does not match, session token and all.
func Line(text string) string {
	lower := strings.ToLower(text)
	for _, secret := range []string{"aws4-hmac-sha256", "x-amz-security-token", "signature=", "authorization:",
		"authorization=", "authorization header"} {
		if strings.Contains(lower, secret) {
			code, _, _ := strings.Cut(text, ":")
			if strings.ContainsFunc(code, func(r rune) bool { return !unicode.IsLetter(r) }) {
				code = "error"
			}
			return code + ": text left out, it quotes signed headers"
		}
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	return strings.TrimSpace(text)
}
