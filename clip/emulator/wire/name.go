package wire

import "strings"

// StreamName is the name of a stream: 1 to 256 characters of [a-zA-Z0-9_.-] (API reference, CreateStream).
type StreamName string

// maxStreamName is how many characters it can have.
const maxStreamName = 256

// Valid reports whether a stream can have that name.
func (n StreamName) Valid() bool {
	return n != "" && len(n) <= maxStreamName && !strings.ContainsFunc(string(n), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-'
	})
}
