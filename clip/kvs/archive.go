package kvs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"clipfs/clip/archive"
	"clipfs/clip/kvs/archivedmedia"
	"clipfs/clip/quota"
)

// Options configures an Archive. The zero value works.
type Options struct {
	// Logger gets one line a call at level debug, and at once the first failure of each cause, and when that is over; nil
	// means none.
	Logger *slog.Logger
	// Points are the quotas to keep to.
	Points quota.Points
	// InsecureEndpoint lets calls go by http to other machines. What they carry and what they bring is open to the network
	// then; the secret key itself is not sent.
	InsecureEndpoint bool
	// EndpointLifetime is how long a data endpoint is kept; 0 means 40 minutes.
	EndpointLifetime time.Duration
	// Stall is how long an attempt may go without a byte before it is given up and made again; 0 means 10 s. The bodies of
	// payloads are not watched.
	Stall time.Duration
	// Observer is told what calls come to; nil for nobody.
	Observer Observer
}

// Archive is Kinesis Video Streams. It implements archive.Service; Close frees its connections.
type Archive struct {
	control     *kinesisvideo.Client
	media       *archivedmedia.Client
	credentials *credentials
	http        *httpClients
	policy      *policy
	troubles    *troubles
	pace        *quota.Pacer
	endpoints   *endpoints
	log         *slog.Logger
	observer    Observer
	stall       time.Duration

	insecure bool

	// sizeless says that the service was found to make no images of a width alone.
	sizeless atomic.Bool

	// mu guards leftOut, the names that it was logged of that they cannot be shown.
	mu      sync.Mutex
	leftOut map[string]struct{}
}

var _ archive.Service = (*Archive)(nil)

// New gives the archive that the config leads to: its region, credentials, HTTP client (its own one, where the config
// has none or the SDK's default) and endpoint. It makes no call. Retry settings of the config do not count: calls are
// retried until their context ends.
func New(cfg aws.Config, o Options) (*Archive, error) {
	if cfg.Region == "" {
		return nil, errNoRegion
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.EndpointLifetime <= 0 {
		o.EndpointLifetime = endpointLifetime
	}
	pace, err := quota.NewPacer(o.Points)
	if err != nil {
		return nil, err
	}
	a := &Archive{
		credentials: &credentials{chain: cfg.Credentials},
		http:        newHTTPClients(cfg.HTTPClient),
		policy:      newPolicy(),
		troubles:    newTroubles(o.Logger),
		pace:        pace,
		log:         o.Logger,
		observer:    o.Observer,
		stall:       cmp.Or(o.Stall, defaultStall),
		insecure:    o.InsecureEndpoint,
		leftOut:     make(map[string]struct{}),
	}
	a.connect(cfg)
	if err := checkInsecure(aws.ToString(a.control.Options().BaseEndpoint), a.insecure); err != nil {
		return nil, err
	}
	a.endpoints = newEndpoints(o.EndpointLifetime, a.startEndpoint, a.askEndpoint)
	return a, nil
}

// connect makes the two clients. Both lose what the config says of retries and of logging requests: the SDK would
// write signed headers.
func (a *Archive) connect(cfg aws.Config) {
	cfg = cfg.Copy()
	cfg.Credentials = a.credentials
	cfg.Logger = logging.Nop{}
	cfg.ClientLogMode = 0
	cfg.RetryMaxAttempts = 0
	cfg.Retryer = nil
	a.control = kinesisvideo.NewFromConfig(cfg, func(o *kinesisvideo.Options) {
		o.HTTPClient = a.http.pool
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Deserialize.Insert(answers{}, "OperationDeserializer", middleware.After)
		})
	})
	a.media = archivedmedia.New(cfg, answers{})
}

// Close closes the connections that are idle, and no longer looks whether hosts that refuse connections accept them. Calls
// and bodies under way go on.
func (a *Archive) Close() error {
	a.http.outages.close()
	a.http.closeIdle()
	return nil
}

// errNoRegion says what to set.
var errNoRegion = errors.New("no AWS region: set AWS_REGION, or region in the profile of ~/.aws/config")

// checkName refuses a name that no stream can have, so that it costs no call.
func checkName(name archive.StreamName) error {
	if !name.Valid() {
		return fmt.Errorf("stream %q: %w", name, archive.ErrName)
	}
	return nil
}

// startEndpoint begins a call for a data endpoint.
func (a *Archive) startEndpoint(key endpointKey) *call {
	return a.newCall("GetDataEndpoint", key.stream, cost{quota.GetDataEndpoint, 1})
}

// askEndpoint asks the service for a data endpoint. It is what endpoints calls.
func (a *Archive) askEndpoint(ctx context.Context, key endpointKey, c *call) (string, error) {
	if err := checkName(key.stream); err != nil {
		return "", err
	}
	var out *kinesisvideo.GetDataEndpointOutput
	err := c.renewing(ctx, func() (err error) {
		out, err = a.control.GetDataEndpoint(ctx, &kinesisvideo.GetDataEndpointInput{
			APIName: key.api, StreamName: aws.String(string(key.stream)),
		}, c.controlOptions)
		return err
	})
	if err != nil {
		return "", c.end(ctx, middleware.Metadata{}, err)
	}
	err = checkEndpoint(aws.ToString(a.control.Options().BaseEndpoint), aws.ToString(out.DataEndpoint), a.insecure)
	return aws.ToString(out.DataEndpoint), c.end(ctx, out.ResultMetadata, err)
}

// GiveUp lets no call wait any more for a host that refuses connections: those that do fail with an archive.ErrNotListening, and
// so do those to come. It is for when a mount ends.
func (a *Archive) GiveUp() { a.http.outages.giveUp() }
