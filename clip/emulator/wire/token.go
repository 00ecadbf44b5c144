package wire

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// tokenMAC is how many bytes of a token's MAC it carries.
const tokenMAC = 16

// Tokens makes and reads the NextToken of listings. A token holds where the last page ended, so that the server keeps
// nothing between pages, and is bound to the query that it continues: another query's token is refused.
type Tokens struct{ key [sha256.Size]byte }

// NewTokens makes tokens with a key of its own: a token does not outlive the server, as it must not outlive a page
// for long in the service.
func NewTokens() *Tokens {
	t := &Tokens{}
	_, _ = rand.Read(t.key[:]) // It never fails (crypto/rand).
	return t
}

// Seal makes the token that continues a query after cursor.
func (t *Tokens) Seal(query, cursor string) string {
	return base64.StdEncoding.EncodeToString(append(t.mac(query, cursor), cursor...))
}

// Open gives back the cursor of a token of the same query.
func (t *Tokens) Open(query, token string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < tokenMAC || !hmac.Equal(b[:tokenMAC], t.mac(query, string(b[tokenMAC:]))) {
		return "", InvalidToken()
	}
	return string(b[tokenMAC:]), nil
}

// InvalidToken refuses a token.
func InvalidToken() error { return Invalid("The specified NextToken is invalid for this request.") }

// mac binds a cursor to a query. The query holds no NUL: it is made of names, numbers and names of enumerations.
func (t *Tokens) mac(query, cursor string) []byte {
	h := hmac.New(sha256.New, t.key[:])
	_, _ = h.Write([]byte(query + "\x00" + cursor)) // A hash never fails.
	return h.Sum(nil)[:tokenMAC]
}
