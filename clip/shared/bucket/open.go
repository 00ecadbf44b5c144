package bucket

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"clipfs/clip/kvs/redact"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
)

const (
	// dialTimeout bounds the making of a connection for uploads and listings; a look has its own.
	dialTimeout = 5 * time.Second
	// idleTimeout is how long a connection is kept for the next call, and idlePerHost how many are: as many as a mount has
	// downloads under way.
	idleTimeout = 90 * time.Second
	idlePerHost = 64
	// emulatedRegion is taken where an endpoint is given and no region: stores that are not Amazon's do not look at it.
	emulatedRegion = "us-east-1"
)

// Options say where a bucket is. What is empty is found as the SDK does.
type Options struct {
	Logger *slog.Logger
	// Endpoint is the URL of the object store.
	Endpoint, Region, Profile string
	// PathStyle names the bucket in the path of a request, not in its host.
	PathStyle bool
}

// Bucket is a bucket of an object store. It is safe for concurrent use.
type Bucket struct {
	client *s3.Client
	place  Place
}

// Open gives a bucket once there are credentials for it. It does not ask the store.
func Open(ctx context.Context, place Place, o Options) (*Bucket, error) {
	options := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), config.WithHTTPClient(client()),
		config.WithCredentialsCacheOptions(func(c *aws.CredentialsCacheOptions) { c.ExpiryWindow, c.ExpiryWindowJitterFrac = early, 0 }),
	}
	if o.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		options = append(options, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("aws configuration: %s", redact.Line(err.Error()))
	}
	if cfg.Region == "" {
		if o.Endpoint == "" {
			return nil, fmt.Errorf("no AWS region: set --shared-region or AWS_REGION")
		}
		cfg.Region = emulatedRegion
	}
	found := &credentials{chain: cfg.Credentials, logger: o.Logger}
	if err := found.find(ctx); err != nil {
		return nil, err
	}
	return &Bucket{place: place, client: s3.NewFromConfig(cfg, func(s *s3.Options) {
		s.Credentials, s.UsePathStyle = found, o.PathStyle
		s.Retryer, s.RetryMaxAttempts = aws.NopRetryer{}, 1
		// The object has its own checks, and not every store knows these; Put says what it needs.
		s.RequestChecksumCalculation, s.ResponseChecksumValidation = aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired
		if o.Endpoint != "" {
			s.BaseEndpoint = &o.Endpoint
		}
	})}, nil
}

// client sends requests. What the environment set of it stays, as AWS_CA_BUNDLE.
func client() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).WithTransportOptions(func(t *http.Transport) {
		t.IdleConnTimeout, t.MaxIdleConns, t.MaxIdleConnsPerHost = idleTimeout, 0, idlePerHost
		t.DisableCompression = true // what is unpacked has no length
	})
}
