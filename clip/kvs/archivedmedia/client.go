package archivedmedia

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ServiceID is the name of the service in the SDK's models.
const ServiceID = "Kinesis Video Archived Media"

// signingName is the service name in a signature's scope: that of the whole of Kinesis Video Streams.
const signingName = "kinesisvideo"

// Client makes calls to Kinesis Video Streams Archived Media.
type Client struct {
	options Options
	signer  *v4.Signer

	// skew is how far the service's clock is ahead of ours, in nanoseconds, as its last answer showed.
	skew atomic.Int64
}

// New gives a client with these options.
func New(options Options, optFns ...func(*Options)) *Client {
	options = options.copied()
	if options.Logger == nil {
		options.Logger = logging.Nop{}
	}
	if options.Retryer == nil {
		options.Retryer = retry.NewStandard()
	}
	if options.HTTPClient == nil {
		options.HTTPClient = awshttp.NewBuildableClient()
	}
	for _, fn := range optFns {
		fn(&options)
	}
	return &Client{options: options, signer: v4.NewSigner()}
}

// NewFromConfig gives a client with what the config says.
func NewFromConfig(cfg aws.Config, optFns ...func(*Options)) *Client {
	options := Options{
		APIOptions:    cfg.APIOptions,
		AppID:         cfg.AppID,
		ClientLogMode: cfg.ClientLogMode,
		Credentials:   cfg.Credentials,
		Logger:        cfg.Logger,
		Region:        cfg.Region,
	}
	if cfg.HTTPClient != nil {
		options.HTTPClient = cfg.HTTPClient
	}
	if cfg.Retryer != nil {
		options.Retryer = cfg.Retryer()
	}
	return New(options, func(o *Options) {
		for _, fn := range cfg.ServiceOptions {
			fn(ServiceID, o)
		}
		for _, fn := range optFns {
			fn(o)
		}
	})
}

// operation is what sets one call of the API apart from another.
type operation struct {
	name string
	// path is the path of the request, below the endpoint's.
	path string
	// body gives the JSON document of an input, or an error if a required member is missing.
	body func(input any) (any, error)
	// output reads a successful answer.
	output func(*smithyhttp.Response) (any, error)
	// streaming says that the output keeps the body open.
	streaming bool
}

// invoke makes one call: it builds the operation's stack and runs it.
func (c *Client) invoke(ctx context.Context, op operation, input any, optFns []func(*Options)) (
	result any, metadata middleware.Metadata, err error,
) {
	ctx = middleware.ClearStackValues(ctx)
	ctx = middleware.WithServiceID(ctx, ServiceID)
	ctx = middleware.WithOperationName(ctx, op.name)

	options := c.options.copied()
	for _, fn := range optFns {
		fn(&options)
	}
	stack := middleware.NewStack(op.name, smithyhttp.NewStackRequest)
	if err := c.assemble(stack, op, options); err != nil {
		return nil, metadata, err
	}
	for _, fn := range options.APIOptions {
		if err := fn(stack); err != nil {
			return nil, metadata, err
		}
	}

	handler := middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(options.HTTPClient), stack)
	result, metadata, err = handler.Handle(ctx, input)
	if err != nil {
		err = &smithy.OperationError{ServiceID: ServiceID, OperationName: op.name, Err: err}
	}
	return result, metadata, err
}
