package wire

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// signAlgorithm, signService and signSuffix are fixed parts of a signature (AWS Signature Version 4).
	signAlgorithm = "AWS4-HMAC-SHA256"
	signService   = "kinesisvideo"
	signSuffix    = "aws4_request"
	// signTime is the form of X-Amz-Date; its first eight characters are the date in the credential's scope.
	signTime = "20060102T150405Z"
	// signSkew is how far a request's time may be off.
	signSkew = 5 * time.Minute
	// unsignedPayload stands for the hash of a body that is not signed.
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// Credentials are an access key: an ID and its secret.
type Credentials struct {
	// Key is the ID.
	Key, Secret string
	// Region that requests have to be signed for; empty is any.
	Region string
}

// ParseCredentials reads what the flag --credentials takes: KEY:SECRET. Empty is no credentials.
func ParseCredentials(s string) (Credentials, error) {
	if s == "" {
		return Credentials{}, nil
	}
	key, secret, ok := strings.Cut(s, ":")
	if !ok || key == "" || secret == "" {
		return Credentials{}, errors.New("credentials: want KEY:SECRET")
	}
	return Credentials{Key: key, Secret: secret}, nil
}

// Signature is what an Authorization header says, or the query of a request that was signed for somebody else to send.
type Signature struct {
	// Key is the ID of the access key, Region the region that the request is for.
	Key, Region string
	date        string
	headers     []string
	value       []byte
	// stamp is X-Amz-Date as it was sent, at its time, and expires how long it can be sent.
	stamp   string
	at      time.Time
	expires time.Duration
}

// Authorize checks the signature of a request with that body; with no credentials just that it has one.
func (c Credentials) Authorize(r *http.Request, body []byte, now time.Time) error {
	sig, err := ReadSignature(r)
	if err != nil || c.Key == "" {
		return err
	}
	if sig.Key != c.Key {
		return Refuse(Unrecognized, "The security token included in the request is invalid.")
	}
	if c.Region != "" && sig.Region != c.Region {
		return Refuse(InvalidSignature, "Credential should be scoped to a valid region, not '%s'.", sig.Region)
	}
	if err := sig.CheckTime(now); err != nil {
		return err
	}
	if !hmac.Equal(sig.value, c.sign(sig, r, body)) {
		return Refuse(InvalidSignature, "The request signature we calculated does not match the signature you "+
			"provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// CheckTime refuses a request of another time than now.
func (s *Signature) CheckTime(now time.Time) error {
	now = now.UTC()
	if oldest := now.Add(-s.expires); s.at.Before(oldest) {
		return Refuse(InvalidSignature, "Signature expired: %s is now earlier than %s (%s - %g min.)",
			s.stamp, oldest.Format(signTime), now.Format(signTime), s.expires.Minutes())
	}
	if newest := now.Add(signSkew); s.at.After(newest) {
		return Refuse(InvalidSignature, "Signature not yet current: %s is still later than %s (%s + 5 min.)",
			s.stamp, newest.Format(signTime), now.Format(signTime))
	}
	return nil
}

// ReadSignature reads the Authorization and X-Amz-Date headers, or the query where it has a signature.
func ReadSignature(r *http.Request) (*Signature, error) {
	auth := r.Header.Get("Authorization")
	if query := r.URL.Query(); auth == "" && query.Has("X-Amz-Algorithm") {
		return readPresigned(query)
	}
	if auth == "" {
		return nil, Refuse(MissingToken, "Missing Authentication Token")
	}
	algorithm, rest, _ := strings.Cut(auth, " ")
	if algorithm != signAlgorithm {
		return nil, Refuse(IncompleteSignature, "Unsupported AWS 'algorithm': '%s'.", algorithm)
	}
	fields := make(map[string]string)
	for part := range strings.SplitSeq(rest, ",") {
		k, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, Refuse(IncompleteSignature, "'%s' not a valid key=value pair (missing equal-sign) in Authorization header.", part)
		}
		fields[k] = v
	}
	for _, k := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[k] == "" {
			return nil, Refuse(IncompleteSignature, "Authorization header requires '%s' parameter.", k)
		}
	}
	return newSignature(fields, r.Header.Get("X-Amz-Date"))
}

// maxExpires is how long a request can be signed for (Signature Version 4, query string).
const maxExpires = 7 * 24 * time.Hour

// readPresigned reads the query of a request that was signed for somebody else.
func readPresigned(query url.Values) (*Signature, error) {
	if algorithm := query.Get("X-Amz-Algorithm"); algorithm != signAlgorithm {
		return nil, Refuse(IncompleteSignature, "Unsupported AWS 'algorithm': '%s'.", algorithm)
	}
	fields := make(map[string]string)
	for _, k := range []string{"Credential", "SignedHeaders", "Signature", "Expires"} {
		if fields[k] = query.Get("X-Amz-" + k); fields[k] == "" {
			return nil, Refuse(IncompleteSignature, "AWS query-string parameters must include 'X-Amz-%s'.", k)
		}
	}
	seconds, err := strconv.Atoi(fields["Expires"])
	expires := time.Duration(seconds) * time.Second
	if err != nil || seconds < 1 || seconds > int(maxExpires/time.Second) {
		return nil, Refuse(IncompleteSignature, "X-Amz-Expires must be 1 to %d seconds.", maxExpires/time.Second)
	}
	sig, err := newSignature(fields, query.Get("X-Amz-Date"))
	if err == nil {
		sig.expires = expires
	}
	return sig, err
}

// newSignature makes a signature of its fields.
func newSignature(fields map[string]string, stamp string) (*Signature, error) {
	at, err := time.Parse(signTime, stamp)
	if err != nil {
		return nil, Refuse(IncompleteSignature, "Date must be in ISO-8601 'basic format'. Got '%s'.", stamp)
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 || scope[0] == "" || scope[2] == "" || scope[4] != signSuffix {
		return nil, Refuse(IncompleteSignature, "Credential must have exactly 5 slash-delimited elements, got '%s'.", fields["Credential"])
	}
	if scope[1] != stamp[:8] {
		return nil, Refuse(InvalidSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.", scope[1], stamp[:8])
	}
	if scope[3] != signService {
		return nil, Refuse(InvalidSignature, "Credential should be scoped to correct service: '%s'.", signService)
	}
	value, err := hex.DecodeString(fields["Signature"])
	if err != nil || len(value) != sha256.Size {
		return nil, Refuse(IncompleteSignature, "Signature must be 64 hexadecimal digits.")
	}
	headers := strings.Split(fields["SignedHeaders"], ";")
	if !slices.Contains(headers, "host") {
		return nil, Refuse(InvalidSignature, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return &Signature{Key: scope[0], date: scope[1], Region: scope[2], headers: headers, value: value, stamp: stamp, at: at, expires: signSkew}, nil
}

// sign computes the signature that a request should have (AWS Signature Version 4, "Create a signed request").
func (c Credentials) sign(s *Signature, r *http.Request, body []byte) []byte {
	hash := sha256.Sum256([]byte(canonicalRequest(s, r, body)))
	scope := strings.Join([]string{s.date, s.Region, signService, signSuffix}, "/")
	text := strings.Join([]string{signAlgorithm, s.stamp, scope, hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + c.Secret)
	for _, part := range []string{s.date, s.Region, signService, signSuffix} {
		key = keyed(key, part)
	}
	return keyed(key, text)
}

// keyed is HMAC-SHA256.
func keyed(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text)) // A hash never fails.
	return h.Sum(nil)
}

// canonicalRequest is the form of a request that is hashed for its signature.
func canonicalRequest(s *Signature, r *http.Request, body []byte) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + r.URL.EscapedPath() + "\n" + canonicalQuery(r.URL) + "\n")
	for _, name := range s.headers {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	payload := cmp.Or(r.Header.Get("X-Amz-Content-Sha256"), r.URL.Query().Get("X-Amz-Content-Sha256"))
	if payload != unsignedPayload {
		sum := sha256.Sum256(body)
		payload = hex.EncodeToString(sum[:])
	}
	b.WriteString("\n" + strings.Join(s.headers, ";") + "\n" + payload)
	return b.String()
}

// canonicalQuery sorts and escapes a query without its signature; url.Values does both but for the space.
func canonicalQuery(u *url.URL) string {
	query := u.Query()
	query.Del("X-Amz-Signature")
	return strings.ReplaceAll(query.Encode(), "+", "%20")
}

// canonicalHeader joins a header's values and folds its spaces. net/http keeps three headers out of r.Header; the official
// producers sign transfer-encoding.
func canonicalHeader(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	values := r.Header.Values(name)
	folded := make([]string, len(values))
	for i, v := range values {
		folded[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(folded, ",")
}
