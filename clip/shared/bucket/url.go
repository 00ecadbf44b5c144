package bucket

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Place is a bucket and what names of objects begin with.
type Place struct{ Bucket, Prefix string }

// String gives the place as ParsePlace reads it.
func (p Place) String() string {
	switch {
	case p.Bucket == "":
		return ""
	case p.Prefix == "":
		return "s3://" + p.Bucket
	}
	return "s3://" + p.Bucket + "/" + p.Prefix
}

// maxPrefix is the longest prefix: with what stands behind it the name of an object stays below 1024 bytes (S3 User Guide, Naming
// Amazon S3 objects).
const maxPrefix = 256

// ParsePlace reads s3://BUCKET/PREFIX.
func ParsePlace(text string) (Place, error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	name, prefix, _ := strings.Cut(rest, "/")
	prefix = strings.Trim(prefix, "/")
	if !ok || len(name) < 3 || len(name) > 63 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || len(prefix) > maxPrefix {
		return Place{}, fmt.Errorf("%q: want s3://BUCKET or s3://BUCKET/PREFIX", text)
	}
	for _, folder := range strings.Split(prefix, "/") {
		if prefix != "" && (folder == "" || folder == "." || folder == ".." || strings.Trim(folder, letters) != "") {
			return Place{}, fmt.Errorf("%q: want a prefix of letters, digits and any of !-_.*'() between slashes", text)
		}
	}
	return Place{name, prefix}, nil
}

// letters are what names of objects may have without harm (S3 User Guide, Naming Amazon S3 objects, safe characters).
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!-_.*'()"

// CheckEndpoint says what is wrong with the URL of an object store; "" is that of the SDK. insecure allows one that is neither
// encrypted nor on this machine.
func CheckEndpoint(text string, insecure bool) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return fmt.Errorf("want the URL of an object store, such as https://minio.example.net:9000, without user and password")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && !insecure && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("http://%s is not encrypted and not on this machine: use https, or --insecure-endpoint where the network is trusted", u.Host)
	}
	return nil
}
