package kvs

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/smithy-go"

	"clipfs/clip/kvs/redact"
)

// credentials is the chain of the config. What it fails with is marked, so that a call without credentials fails at
// once: the SDK would take the network errors inside (of a role's metadata service that is not there) for the call's
// own and try again until the deadline.
type credentials struct {
	chain   aws.CredentialsProvider
	secrets redact.Secrets
}

var _ aws.CredentialsProvider = (*credentials)(nil)

func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if c.chain == nil {
		return aws.Credentials{}, &credentialsError{errors.New("none configured")}
	}
	found, err := c.chain.Retrieve(ctx)
	c.secrets.Note(found)
	if err != nil && ctx.Err() == nil {
		err = &credentialsError{err}
	}
	return found, err
}

// Invalidate makes the chain look for credentials again, where it had kept some.
func (c *credentials) Invalidate() {
	if kept, ok := c.chain.(interface{ Invalidate() }); ok {
		kept.Invalidate()
	}
}

// sameKey reports whether requests are signed alike.
func sameKey(a, b aws.Credentials) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey == b.SecretAccessKey && a.SessionToken == b.SessionToken
}

// roleService is the SDK's name for the service that gives the role of a host, the last one that the chain asks.
const roleService = "ec2imds"

// credentialsError: the chain has no credentials to give.
type credentialsError struct{ err error }

// Error says what to set.
func (e *credentialsError) Error() string {
	text := e.err.Error()
	if errors.As(e.err, new(*processcreds.ProviderError)) && strings.Contains(text, "process output") {
		text = "credential_process did not print credentials" // the SDK quotes what it printed
	}
	if asked, ok := errors.AsType[*smithy.OperationError](e.err); ok && asked.Service() == roleService {
		text = "its metadata service tells of none" // the rest is about how it was asked
		if statusOf(e.err) == http.StatusNotFound {
			text = "this one has none"
		}
	}
	return "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the host a role: " + text
}

func (e *credentialsError) Unwrap() error { return e.err }
