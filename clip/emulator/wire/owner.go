package wire

import (
	"fmt"
	"strings"
	"time"
)

// DefaultAccount owns the streams if no other account is given.
const DefaultAccount = "000000000000"

// ValidAccount reports whether an account can have that number.
func ValidAccount(s string) bool {
	return len(s) == len(DefaultAccount) && strings.Trim(s, "0123456789") == ""
}

// Owner is what the streams belong to as one client sees it: the region that it signs for, and the account.
type Owner struct{ Region, Account string }

// StreamARN is the resource name of a stream.
func (o Owner) StreamARN(name StreamName, created time.Time) string {
	return fmt.Sprintf("%s/%d", o.resource("kinesisvideo", "stream/"+string(name)), created.UnixMilli())
}

// AllOf is the resource that stands for all streams of a name, in what is said of permissions.
func (o Owner) AllOf(name StreamName) string {
	return o.resource("kinesisvideo", "stream/"+string(name)) + "/*"
}

// DefaultKey is the key that streams are encrypted with if none was named (API reference, CreateStream, KmsKeyId).
func (o Owner) DefaultKey() string { return o.resource("kms", "alias/aws/kinesisvideo") }

// User is the name of the client in what is said of permissions.
func (o Owner) User() string {
	return fmt.Sprintf("arn:%s:iam::%s:user/emulator", o.partition(), o.Account)
}

// resource is a resource name.
func (o Owner) resource(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", o.partition(), service, o.Region, o.Account, resource)
}

// partition is the part of the world that a region is in.
func (o Owner) partition() string {
	switch {
	case strings.HasPrefix(o.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(o.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
