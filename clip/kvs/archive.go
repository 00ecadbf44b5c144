package kvs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
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
	// ARNs has the streams that are asked for by their ARN instead of by name: such as are shared by another account.
	// A name here need not be the name within the ARN. Streams lists only what ListStreams does.
	ARNs map[archive.StreamName]string
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

	arns     map[archive.StreamName]string
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
	if err := checkARNs(o.ARNs); err != nil {
		return nil, err
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
		arns:        maps.Clone(o.ARNs),
		insecure:    o.InsecureEndpoint,
		leftOut:     make(map[string]struct{}),
	}
	a.connect(cfg)
	if err := checkInsecure(aws.ToString(a.control.Options().BaseEndpoint), a.insecure); err != nil {
		return nil, err
	}
	a.endpoints, err = newEndpoints(o.EndpointLifetime, a.startEndpoint, a.askEndpoint)
	if err != nil {
		return nil, err
	}
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

// checkARNs checks the map of Options.
func checkARNs(arns map[archive.StreamName]string) error {
	for name, text := range arns {
		if !name.Valid() {
			return fmt.Errorf("stream %q: %w", name, archive.ErrName)
		}
		parsed, err := arn.Parse(text)
		if err != nil || parsed.Service != "kinesisvideo" || !strings.HasPrefix(parsed.Resource, "stream/") {
			return fmt.Errorf("stream %s: %q is not the ARN of a Kinesis video stream: %w", name, text, archive.ErrInvalid)
		}
	}
	return nil
}

// identify gives the name or the ARN by which the service is asked for a stream; the other is nil. A name that no
// stream can have costs no call.
func (a *Archive) identify(name archive.StreamName) (byName, byARN *string, err error) {
	if !name.Valid() {
		return nil, nil, fmt.Errorf("stream %q: %w", name, archive.ErrName)
	}
	if text, ok := a.arns[name]; ok {
		return nil, &text, nil
	}
	return aws.String(string(name)), nil, nil
}

// startEndpoint begins a call for a data endpoint.
func (a *Archive) startEndpoint(key endpointKey) *call {
	return a.newCall("GetDataEndpoint", key.stream, cost{quota.GetDataEndpoint, 1})
}

// askEndpoint asks the service for a data endpoint. It is what endpoints calls.
func (a *Archive) askEndpoint(ctx context.Context, key endpointKey, c *call) (string, error) {
	byName, byARN, err := a.identify(key.stream)
	if err != nil {
		return "", err
	}
	var out *kinesisvideo.GetDataEndpointOutput
	err = c.renewing(ctx, func() error {
		out, err = a.control.GetDataEndpoint(ctx, &kinesisvideo.GetDataEndpointInput{
			APIName: key.api, StreamName: byName, StreamARN: byARN,
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
