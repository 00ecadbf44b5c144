package bucket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// early is how long before they expire credentials are looked for again.
	early = 5 * time.Minute
	// findTimeout bounds a search, which can ask a network that is not there; againAfter is how soon after one that failed another
	// begins.
	findTimeout, againAfter = 30 * time.Second, 10 * time.Second
)

// errNoCredentials: they are being looked for.
var errNoCredentials = errors.New("no AWS credentials yet")

// credentials gives those that were found last. No call waits for them: they are looked for in the background, for as long as the last ones serve.
type credentials struct {
	// chain says of credentials that they expire early before they do, and looks for others only after that.
	chain  aws.CredentialsProvider
	logger *slog.Logger

	// mu guards the rest.
	mu      sync.Mutex
	found   aws.Credentials
	err     error
	asked   time.Time
	finding bool
}

var _ aws.CredentialsProvider = (*credentials)(nil)

// Retrieve implements aws.CredentialsProvider.
func (c *credentials) Retrieve(context.Context) (aws.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.found
	now.Expires = now.Expires.Add(early)
	has, stale := now.HasKeys() && !now.Expired(), !now.HasKeys() || c.found.Expired()
	if stale && !c.finding && time.Since(c.asked) > againAfter {
		c.finding, c.asked = true, time.Now()
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), findTimeout)
			defer cancel()
			if err := c.find(ctx); err != nil {
				c.logger.Warn("no credentials for the shared cache", "cause", err)
			}
		}()
	}
	if has {
		return now, nil
	}
	if c.err != nil {
		return aws.Credentials{}, c.err
	}
	return aws.Credentials{}, errNoCredentials
}

// find looks for credentials.
func (c *credentials) find(ctx context.Context) error {
	var found aws.Credentials
	err := errors.New("none configured")
	if c.chain != nil {
		found, err = c.chain.Retrieve(ctx)
	}
	if err != nil {
		err = fmt.Errorf("no AWS credentials: set --shared-profile, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the host a role")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finding, c.err = false, err
	if err == nil {
		c.found = found
	}
	return err
}
