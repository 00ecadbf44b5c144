package kvs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"

	"clipfs/clip/archive"
	"clipfs/clip/kvs/redact"

	controltypes "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
)

// Identity is what can be told of the credentials that calls are signed with, without a call and without a secret.
type Identity struct {
	// Key is the end of the access key's ID.
	Key string
	// Source is where the credentials were found, as the SDK names it.
	Source string
	// Account is the number of the account, empty where the source does not say.
	Account string
	// Expires is when they end; the zero time if they do not, or it is not known.
	Expires time.Time
}

// keyShown is how much of an access key's ID is shown, in characters.
const keyShown = 4

// Identity looks for the credentials that calls would be signed with, which can ask the network. An error says what to
// set, and wraps archive.ErrCredentials.
func (a *Archive) Identity(ctx context.Context) (Identity, error) {
	found, err := a.credentials.Retrieve(ctx)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %s", archive.ErrCredentials, redact.Line(err.Error()))
	}
	id := Identity{Key: found.AccessKeyID, Source: redact.Line(found.Source), Account: found.AccountID}
	if len(id.Key) > keyShown {
		id.Key = "…" + id.Key[len(id.Key)-keyShown:]
	}
	if found.CanExpire {
		id.Expires = found.Expires
	}
	return id, nil
}

// Account gives the number of the account in the ARN of a stream, empty if there is none.
func Account(s archive.Stream) string {
	parsed, err := arn.Parse(s.ARN)
	if err != nil {
		return ""
	}
	return parsed.AccountID
}

// Region is the AWS region of the archive.
func (a *Archive) Region() string { return a.control.Options().Region }

// ControlEndpoint gives the URL that control calls are sent to.
func (a *Archive) ControlEndpoint(ctx context.Context) (string, error) {
	o := a.control.Options()
	endpoint, err := o.EndpointResolverV2.ResolveEndpoint(ctx, kinesisvideo.EndpointParameters{
		Region:       &o.Region,
		Endpoint:     o.BaseEndpoint,
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
	})
	if err != nil {
		return "", fmt.Errorf("endpoint: %s: %w", redact.Line(err.Error()), archive.ErrInvalid)
	}
	return endpoint.URI.String(), nil
}

// Greeting is what the control endpoint answers to an unsigned call.
type Greeting struct {
	// Took is how long the answer took.
	Took time.Duration
	// Dated reports whether the answer had a date, Ahead how far that was ahead of this machine's clock, to about a second.
	Dated bool
	Ahead time.Duration
}

// Greet calls ListStreams once and unsigned, which is refused: any answer shows that the control endpoint can be reached.
func (a *Archive) Greet(ctx context.Context) (Greeting, error) {
	endpoint, err := a.ControlEndpoint(ctx)
	if err != nil {
		return Greeting{}, err
	}
	url := strings.TrimSuffix(endpoint, "/") + "/listStreams"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return Greeting{}, fmt.Errorf("endpoint: %w", archive.ErrInvalid)
	}
	request.Header.Set("Content-Type", "application/json")
	sent := time.Now()
	watched := &silenceClient{inner: a.http.pool, stall: a.stall, attempt: func() int { return 1 }, body: true}
	answer, err := watched.Do(request)
	if err != nil {
		return Greeting{}, fmt.Errorf("%w: %s", archive.ErrUnreachable, redact.Line(networkText(err)))
	}
	took := time.Since(sent)
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxErrorAnswer))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return Greeting{}, fmt.Errorf("%w: %s", archive.ErrUnreachable, redact.Line(networkText(err)))
	}
	g := Greeting{Took: took}
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		// A date is cut to the second; on the whole it is half of one later, and was made half-way.
		g.Dated, g.Ahead = true, date.Add(time.Second/2).Sub(sent.Add(took/2))
	}
	return g, nil
}

// DataEndpoint gives the URL that GetClip calls on a stream are sent to.
func (a *Archive) DataEndpoint(ctx context.Context, name archive.StreamName) (string, error) {
	url, _, err := a.endpoints.get(ctx, endpointKey{name, controltypes.APINameGetClip})
	return url, err
}
