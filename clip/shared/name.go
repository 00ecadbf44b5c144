package shared

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// version is the first folder below the prefix, and the last byte of the magic: objects of another one are never read.
const version = 1

// Kind is what an object is.
type Kind byte

const (
	// Media is a payload.
	Media Kind = 'm'
	// Heads is the record of the head of a payload.
	Heads Kind = 'h'
	// Hours is what is listed of an hour of a stream.
	Hours Kind = 't'
	// Leases is who fetches payloads and heads of an hour for all.
	Leases Kind = 'l'
)

// String gives the kind in a word.
func (k Kind) String() string {
	switch k {
	case Media:
		return "media"
	case Heads:
		return "head"
	case Hours:
		return "hour"
	case Leases:
		return "lease"
	}
	return fmt.Sprintf("kind %q", byte(k))
}

// valid reports whether there is such a kind of what is shared; leases are none.
func (k Kind) valid() bool { return k == Media || k == Heads || k == Hours }

// leaseSpan is how much footage has its leases in one object.
const leaseSpan = time.Hour

// leasesOf gives the name of the leases of the hour in which footage begins.
func leasesOf(stream string, start time.Time) Name {
	sum := sha256.Sum256(fmt.Appendf(nil, "leases %d", start.Truncate(leaseSpan).Unix()))
	return Name{Stream: stream, Kind: Leases, Key: cache.Key("l-" + hex.EncodeToString(sum[:16]))}
}

// Name tells where an object lies below the folder of its version.
type Name struct {
	// Stream is ACCOUNT/REGION/STREAM/CREATED.
	Stream string
	Kind   Kind
	Key    cache.Key
}

// String gives the name below the folder of the version.
func (n Name) String() string {
	_, hash, _ := strings.Cut(string(n.Key), "-") // the kind of key goes before it
	return fmt.Sprintf("%s/%c/%s/%s", n.Stream, n.Kind, hash[:min(2, len(hash))], n.Key)
}

// StreamName is the name of the stream; none of a beat.
func (n Name) StreamName() archive.StreamName {
	f := strings.Split(n.Stream, "/")
	if len(f) < 3 {
		return ""
	}
	return archive.StreamName(f[2])
}

// parseName reads what String gave of what is shared.
func parseName(text string) (Name, bool) {
	n, ok := parse(text)
	return n, ok && n.Kind.valid()
}

// parseSignal reads what String gave of leases, or the name of a beat.
func parseSignal(text string) (Name, bool) {
	if holder, ok := strings.CutPrefix(text, beatFolder); ok {
		return Name{}, validHolder(holder)
	}
	n, ok := parse(text)
	return n, ok && n.Kind == Leases
}

func parse(text string) (Name, bool) {
	f := strings.Split(text, "/")
	if len(f) != 7 || len(f[4]) != 1 {
		return Name{}, false
	}
	n := Name{Stream: strings.Join(f[:4], "/"), Kind: Kind(f[4][0]), Key: cache.Key(f[6])}
	return n, n.Key.Valid() && n.String() == text
}

// Root is the folder of all objects of a key below a prefix, with a slash at the end.
func Root(prefix string, k Key) string {
	root := "v" + strconv.Itoa(version)
	if id := k.ID(); id != "" {
		root += "-" + id
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		root = prefix + "/" + root
	}
	return root + "/"
}

// FolderOf gives where the objects of a stream lie, ACCOUNT/REGION/STREAM/CREATED; false where its ARN does not tell all of that:
// then nothing of it is shared. An ARN is arn:PARTITION:kinesisvideo:REGION:ACCOUNT:stream/STREAM/CREATED (Service
// Authorization Reference, Kinesis Video Streams), with the time of creation in milliseconds since 1970.
func FolderOf(stream archive.Stream) (string, bool) {
	f := strings.Split(stream.ARN, ":")
	if len(f) != 6 || f[0] != "arn" || f[2] != "kinesisvideo" {
		return "", false
	}
	resource := strings.Split(f[5], "/")
	if len(resource) != 3 || resource[0] != "stream" || resource[1] != string(stream.Name) || !stream.Name.Valid() {
		return "", false
	}
	if !consists(f[4], "0123456789") || !consists(f[3], "abcdefghijklmnopqrstuvwxyz0123456789-") || !consists(resource[2], "0123456789") {
		return "", false
	}
	return strings.Join([]string{f[4], f[3], resource[1], resource[2]}, "/"), true
}

// consists reports whether a text is not empty and has only some characters.
func consists(text, of string) bool { return text != "" && strings.Trim(text, of) == "" }
