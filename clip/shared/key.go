package shared

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
)

const (
	// leastSecret is how long a secret has to be, in bytes.
	leastSecret = 32
	// block is how many bytes one check covers.
	block = 64 << 10
	// plainCheck and keyedCheck are the lengths of a check.
	plainCheck, keyedCheck = 4, 16
)

// Key makes and checks objects. The zero value has no secret: it finds damage, and trusts whoever can write to the bucket.
type Key struct{ secret []byte }

// errSecret: a key file cannot be used.
var errSecret = errors.New("want at least 32 bytes that nobody can guess, such as those of: openssl rand -hex 32")

// NewKey gives the key of what a key file has, without white space at its ends.
func NewKey(content []byte) (Key, error) {
	secret := bytes.TrimSpace(content)
	if len(secret) < leastSecret {
		return Key{}, errSecret
	}
	return Key{bytes.Clone(secret)}, nil
}

// ID tells the secrets of fleets apart, and tells nothing of them; "" without a secret.
func (k Key) ID() string {
	if !k.Secret() {
		return ""
	}
	return hex.EncodeToString(k.mac("id")[:4])
}

// Secret reports whether there is a secret.
func (k Key) Secret() bool { return len(k.secret) > 0 }

// mac gives the HMAC-SHA-256 of some pieces for a purpose. The pieces have to tell where they end.
func (k Key) mac(purpose string, pieces ...[]byte) []byte {
	h := hmac.New(sha256.New, k.secret)
	h.Write([]byte("clipfs shared " + purpose + "\x00"))
	for _, p := range pieces {
		h.Write(p)
	}
	return h.Sum(nil)
}

// checkSize is the length of a check.
func (k Key) checkSize() int {
	if k.Secret() {
		return keyedCheck
	}
	return plainCheck
}

// check gives the check of a block. Which block it is of is told by its place in the header, which the MAC covers.
func (k Key) check(p []byte) []byte {
	if k.Secret() {
		return k.mac("block", p)[:keyedCheck]
	}
	return binary.LittleEndian.AppendUint32(nil, castagnoli(0, p))
}

// castagnoli extends a CRC-32C (RFC 3720, 12.1).
func castagnoli(sum uint32, p []byte) uint32 {
	return crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), p)
}

// blocks is how many checks so many bytes have.
func blocks(size int64) int64 { return (size + block - 1) / block }
