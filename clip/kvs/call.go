package kvs

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"clipfs/clip/archive"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"clipfs/clip/kvs/archivedmedia"
	"clipfs/clip/quota"
)

// call is one call of the API under way, all its attempts together.
type call struct {
	archive  *Archive
	attempts *attempts
	log      *slog.Logger

	api    string
	stream archive.StreamName
	start  time.Time
	// demand and refused are those of an archive.PayloadQuery, nil for other calls. They do not change once the call was
	// made for the first time.
	demand  *archive.Demand
	refused func()
	// answered is told when an attempt was sent that the service has granted; nil where nothing is learned from that.
	answered func(sent time.Time)
}

// cost is what an attempt takes from one bucket of the pacer.
type cost struct {
	quota  quota.Name
	points int
}

// newCall starts a call of an API on a stream ("" for calls on all) whose every attempt costs points. They are taken in
// the order of costs, and a refusal slows the last: the scarcest comes last, so that nobody has its points while waiting
// for others.
func (a *Archive) newCall(api string, stream archive.StreamName, costs ...cost) *call {
	c := &call{archive: a, log: a.log, api: api, stream: stream, start: time.Now()}
	c.attempts = &attempts{policy: a.policy}
	c.attempts.pace = func(ctx context.Context) error {
		for _, cost := range costs {
			err := a.pace.Take(ctx, quota.Key{Stream: stream, Quota: cost.quota}, cost.points, c.demand)
			if errors.Is(err, quota.ErrLate) {
				return errPaced
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	c.attempts.failed = func(err error) { c.troubled(err) }
	c.attempts.await = c.awaitHost
	c.attempts.again = func() { a.observer.Retried(api) }
	c.attempts.refused = func() {
		a.observer.Refused(api)
		if len(costs) > 0 {
			share := a.pace.Slow(quota.Key{Stream: stream, Quota: costs[len(costs)-1].quota})
			c.log.Debug("slowing down", "api", api, "stream", string(stream), "share", share)
		}
		if c.refused != nil {
			c.refused()
		}
	}
	return c
}

// controlOptions makes a call of the control client this call.
func (c *call) controlOptions(o *kinesisvideo.Options) {
	o.Retryer = c.attempts
	o.HTTPClient = c.silenceClient(true)
}

// mediaOptions makes a call of the data client this call, sent to an endpoint; body says whether the body of its answer is
// watched too.
func (c *call) mediaOptions(endpoint string, body bool) archivedmedia.Options {
	return archivedmedia.Options{Endpoint: endpoint, Retryer: c.attempts, HTTP: c.silenceClient(body)}
}

// onEndpoint runs a data call on the stream's data endpoint. Where a kept endpoint turns out to be stale it is dropped,
// asked for again and the call made there: once.
func (c *call) onEndpoint(ctx context.Context, key endpointKey, do func(endpoint string) error) error {
	endpoint, fresh, err := c.archive.endpoints.get(ctx, key)
	if err != nil {
		return err
	}
	c.attempts.leaveStale(!fresh)
	err = c.renewing(ctx, func() error { return do(endpoint) })
	if err == nil || !isStale(c.attempts.lastFailure(err)) {
		return err
	}
	c.archive.endpoints.drop(key, endpoint)
	if fresh || ctx.Err() != nil {
		return err
	}
	c.log.DebugContext(ctx, "data endpoint is stale", "api", c.api, "stream", string(c.stream), "endpoint", c.tidy(endpoint))
	if endpoint, _, err = c.archive.endpoints.get(ctx, key); err != nil {
		return err
	}
	c.attempts.leaveStale(false)
	return do(endpoint)
}

// end logs the call and turns its error into one of package archive.
func (c *call) end(ctx context.Context, metadata middleware.Metadata, err error) error {
	if err != nil && !errors.As(err, new(*callError)) {
		err = c.explain(ctx, err)
	}
	c.archive.observer.Called(c.api, c.attempts.number(), time.Since(c.start), err)
	id, _ := awsmiddleware.GetRequestIDMetadata(metadata)
	if err == nil {
		c.archive.troubles.answered(c.attempts.lastHost(), c.api)
		c.log.DebugContext(ctx, "call", "api", c.api, "stream", string(c.stream), "attempts", c.attempts.number(),
			"took", time.Since(c.start), "request", c.tidy(id))
		return nil
	}
	var response interface{ ServiceRequestID() string }
	if last := c.attempts.lastFailure(nil); errors.As(last, &response) {
		id = response.ServiceRequestID()
	}
	c.log.DebugContext(ctx, "call failed", "api", c.api, "stream", string(c.stream), "attempts", c.attempts.number(),
		"took", time.Since(c.start), "request", c.tidy(id), "error", err)
	return err
}

// explain gives the error that leaves. A deadline is explained by the last failure before it: throttled, or
// unreachable, which it also is if the archive had not said anything.
func (c *call) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil && isContext(err) {
		if gone := cancelled(ctx); gone != nil {
			return c.fail(gone, "", nil)
		}
		last := c.attempts.lastFailure(nil)
		if last == nil {
			return c.fail(archive.ErrUnreachable, "no answer before the deadline", nil)
		}
		detail, kind := diagnose(last)
		if !errors.Is(kind, archive.ErrThrottled) && !errors.Is(kind, archive.ErrUnreachable) {
			kind = archive.ErrUnreachable
		}
		return c.fail(kind, strings.TrimSpace(c.tidy(detail)+" (until the deadline)"), last)
	}
	detail, kind := diagnose(err)
	if c.mayNotList(err) {
		kind = archive.ErrNotListable
	}
	if errors.Is(err, errLeaving) {
		kind = archive.ErrNotListening
	}
	return c.fail(kind, c.tidy(detail), err)
}

// tidy makes one line of a text from outside that has no secret in it.
func (c *call) tidy(text string) string { return c.archive.credentials.secrets.Tidy(text) }

// fail makes the error. The cause stays in the chain where the network failed.
func (c *call) fail(kind error, detail string, cause error) error {
	if codeOf(cause) != "" || isContext(cause) || !errors.Is(kind, archive.ErrUnreachable) {
		cause = nil
	}
	if cause != nil {
		cause = withoutLayers(cause)
	}
	return &callError{action: "kinesisvideo:" + c.api, resource: c.resource(), kind: kind, detail: detail, cause: cause}
}

// resource names what the call was on.
func (c *call) resource() string {
	if c.stream == "" {
		return "all streams"
	}
	return "stream " + string(c.stream)
}

// renewing runs a call, and once more if the credentials that it was signed with are no longer accepted and the chain has
// others by now.
func (c *call) renewing(ctx context.Context, do func() error) error {
	chain := c.archive.credentials
	used, unknown := chain.Retrieve(ctx)
	err := do()
	if unknown != nil || !badCredentials(codeOf(err)) {
		return err
	}
	now, failed := chain.Retrieve(ctx)
	if failed == nil && sameKey(now, used) { // nobody else has asked for new ones meanwhile
		chain.Invalidate()
		now, failed = chain.Retrieve(ctx)
	}
	if failed != nil || sameKey(now, used) {
		return err
	}
	c.log.DebugContext(ctx, "signed again with other credentials", "api", c.api, "stream", string(c.stream))
	return do()
}

// awaitHost waits, after an attempt that was refused, until the host accepts connections again or it is time for another
// attempt all the same. Those who wait for the call are told of the refusal.
func (c *call) awaitHost(ctx context.Context, refused *refusedError, err error) error {
	a := c.archive
	archive.Refused(ctx, refused.outage.since, c.fail(archive.ErrNotListening, c.tidy(networkText(err)), err))
	select {
	case <-refused.outage.over:
		archive.Refused(ctx, time.Time{}, nil)
		return sleep(ctx, rand.N(backAtOnce))
	case <-time.After(longestWait):
		return nil
	case <-a.http.outages.leaving:
		return errLeaving
	case <-ctx.Done():
		return ctx.Err()
	}
}

// silenceClient gives the client for the attempts of the call.
func (c *call) silenceClient(body bool) aws.HTTPClient {
	return &silenceClient{
		inner: &demandClient{c.archive.http, c.demand}, stall: c.archive.stall, attempt: c.attempts.number, sent: c.attempts.sentTo, answered: c.answered, body: body,
	}
}

// mayNotList tells whether the service says of a call that lists that the action is not permitted. Only that counts: an
// answer with a code for exactly this, which names no other action. Signatures and tokens that are not accepted, and
// whatever stands between and refuses, say nothing of permissions.
func (c *call) mayNotList(err error) bool {
	var api smithy.APIError
	if c.api != opListFragments && c.api != opListStreams || !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "AccessDeniedException", "AccessDenied", "NotAuthorizedException":
		action := refusedAction(api.ErrorMessage())
		return action == "" || strings.EqualFold(action, "kinesisvideo:"+c.api)
	}
	return false
}

// troubled tells of the failure of an attempt of the call.
func (c *call) troubled(err error) {
	if why, ok := causeOf(c.attempts.lastHost(), c.api, err); ok {
		detail, _ := diagnose(err)
		c.archive.troubles.failed(why, c.stream, c.tidy(detail))
	}
}
