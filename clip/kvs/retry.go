package kvs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"clipfs/clip/archive"
)

// How long to wait before the next attempt: from a first time, twice as long each time, up to the longest. A half of
// it is drawn by lot, so that many who were refused together do not come back together.
const (
	firstWait          = 100 * time.Millisecond
	firstThrottledWait = 500 * time.Millisecond
	longestWait        = 5 * time.Second
)

// policy says which failures are tried again and when. It is the SDK's standard retryer with the service's own ways
// added, and without its bucket of retries: pacing is ours, and by stream.
type policy struct{ standard *retry.Standard }

func newPolicy() *policy {
	return &policy{standard: retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(backoff)
		o.Throttles = append(o.Throttles, retry.IsErrorThrottleFunc(func(err error) aws.Ternary {
			if isThrottle(err) {
				return aws.TrueTernary
			}
			return aws.UnknownTernary
		}))
		rules := []retry.IsErrorRetryable{retry.NoRetryCanceledError{}, retry.IsErrorRetryableFunc(retryable)}
		o.Retryables = append(rules, o.Retryables...)
	})}
}

// retryable has what the SDK's rules do not know or see otherwise.
func retryable(err error) aws.Ternary {
	switch {
	// The chain has tried already. A wrong certificate is right at the next attempt for nobody.
	case errors.As(err, new(*credentialsError)), errors.As(err, new(*tls.CertificateVerificationError)), errors.Is(err, errLong):
		return aws.FalseTernary
	case isThrottle(err):
		return aws.TrueTernary
	// A body cut short, and a 200 that does not hold what it should.
	case errors.Is(err, io.ErrUnexpectedEOF):
		return aws.TrueTernary
	case errors.As(err, new(*smithy.DeserializationError)) && statusOf(err)/100 == 2:
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// isThrottle tells whether the service refused an attempt because of a limit.
func isThrottle(err error) bool {
	_, kind := diagnose(err)
	return errors.Is(kind, archive.ErrThrottled)
}

// backoff gives the wait after the attempt of this number.
func backoff(attempt int, err error) (time.Duration, error) {
	wait := firstWait
	if isThrottle(err) {
		wait = firstThrottledWait
	}
	for range max(attempt-1, 0) {
		if wait *= 2; wait >= longestWait {
			wait = longestWait
			break
		}
	}
	return wait/2 + rand.N(wait/2), nil
}

// isStale tells whether a failure looks as if the data endpoint no longer serves the stream: nobody listens there, its
// name is gone, someone else has it, or what answers there is not the service.
func isStale(err error) bool {
	var odd *oddAnswer
	var dns *net.DNSError
	switch {
	case errors.As(err, &odd):
		return odd.stale
	case errors.As(err, &dns):
		return dns.IsNotFound
	}
	return errors.As(err, new(x509.HostnameError)) || errors.Is(err, syscall.ECONNREFUSED)
}

// withoutLayers gives the network's error that an SDK error is about.
func withoutLayers(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// attempts is the retryer of one call.
type attempts struct {
	policy *policy
	// pace waits until an attempt may be made.
	pace func(context.Context) error
	// refused is told of each refusal because of a limit, again of each attempt after the first.
	refused, again func()
	// failed is told of each failure of an attempt, and waits before the next one where the host refuses connections.
	failed func(error)
	await  func(context.Context, *refusedError, error) error

	// mu guards what follows.
	mu sync.Mutex
	// stale: a failure that speaks against the endpoint ends the call's attempts there.
	stale  bool
	count  int
	latest error
	host   string
}

var _ aws.RetryerV2 = (*attempts)(nil)

// leaveStale says whether to give up at a stale endpoint.
func (a *attempts) leaveStale(leave bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stale = leave
}

// lastFailure gives the last failure of an attempt, or err if there was none.
func (a *attempts) lastFailure(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.latest == nil {
		return err
	}
	return a.latest
}

func (a *attempts) number() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count
}

// sentTo notes the host that an attempt goes to.
func (a *attempts) sentTo(host string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.host = host
}

// lastHost gives the host of the last attempt, "" if there was none.
func (a *attempts) lastHost() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.host
}

// note remembers a failure and tells whether a stale endpoint is to be left.
func (a *attempts) note(err error) (leave bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latest = err
	return a.stale
}

// GetAttemptToken waits for the attempt's quota points. A first wait that the context ends was a matter of limits too; before another attempt
// the call's time may as well be over because of what failed.
func (a *attempts) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if err := a.pace(ctx); err != nil {
		if errors.Is(err, errPaced) || a.lastFailure(nil) == nil {
			a.note(errPaced)
		}
		return nil, err
	}
	a.mu.Lock()
	a.count++
	again := a.count > 1
	a.mu.Unlock()
	if again {
		a.again()
	}
	return release, nil
}

// IsErrorRetryable notes the failure of an attempt and tells whether to try again.
func (a *attempts) IsErrorRetryable(err error) bool {
	var canceled interface{ CanceledError() bool }
	if errors.As(err, &canceled) && canceled.CanceledError() {
		return false
	}
	leave := a.note(err)
	a.failed(err)
	if isThrottle(err) {
		a.refused()
	}
	if leave && isStale(err) {
		return false
	}
	return a.policy.standard.IsErrorRetryable(err)
}

// MaxAttempts is 0, no limit: only the context ends a call.
func (a *attempts) MaxAttempts() int { return 0 }

// RetryDelay gives the wait before the next attempt. For a host that refused GetRetryToken has waited.
func (a *attempts) RetryDelay(attempt int, err error) (time.Duration, error) {
	if errors.As(err, new(*refusedError)) {
		return 0, nil
	}
	return a.policy.standard.RetryDelay(attempt, err)
}

// GetRetryToken costs nothing: see ratelimit.None in newPolicy. It waits for a host that refuses connections, which a
// delay could not do without being late.
func (a *attempts) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return release, a.await(ctx, refused, err)
	}
	return release, nil
}

// GetInitialToken costs nothing.
func (a *attempts) GetInitialToken() func(error) error { return release }

// release gives back what was not taken.
func release(error) error { return nil }
