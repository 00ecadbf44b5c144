package archivedmedia

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// serviceID is the name of the service in the SDK's models.
	serviceID = "Kinesis Video Archived Media"
	// signingName is the service name in a signature's scope: that of the whole of Kinesis Video Streams.
	signingName = "kinesisvideo"
	// agentVersion stands in the User-Agent where the SDK's package has its module version.
	agentVersion = "clipfs"
	// maxErrorBody is the most that is read of an error's body, in bytes. Real ones are a line of text.
	maxErrorBody = 64 << 10
)

// Client makes calls to Kinesis Video Streams Archived Media.
type Client struct {
	region, appID string
	credentials   aws.CredentialsProvider
	inspect       middleware.DeserializeMiddleware
	signer        *v4.Signer
	// bodies has the memory that answers were read into.
	bodies sync.Pool

	// skew is how far the service's clock is ahead of ours, in nanoseconds, as its last answer showed.
	skew atomic.Int64
}

// New returns a client that signs with the region and the credentials of a config, and has its app ID in the User-Agent.
// Inspect sees each answer before it is read.
func New(cfg aws.Config, inspect middleware.DeserializeMiddleware) *Client {
	return &Client{region: cfg.Region, appID: cfg.AppID, credentials: cfg.Credentials, inspect: inspect, signer: v4.NewSigner()}
}

// Options says how one call is made. All of it is required.
type Options struct {
	// Endpoint is the data endpoint of the stream and API.
	Endpoint string
	Retryer  aws.RetryerV2
	HTTP     aws.HTTPClient
}

// operation is what sets one call of the API apart from another.
type operation struct {
	name string
	// path is the path of the request, below the endpoint's.
	path string
	// read reads a successful answer.
	read func(*smithyhttp.Response) error
	// streaming: read keeps the body open.
	streaming bool
}

// invoke makes one call: it builds the operation's stack and runs it.
func (c *Client) invoke(ctx context.Context, o Options, op operation, document any) (metadata middleware.Metadata, err error) {
	endpoint, err := url.Parse(o.Endpoint)
	if err != nil {
		return metadata, fmt.Errorf("endpoint: %w", err)
	}
	ctx = middleware.WithOperationName(middleware.WithServiceID(middleware.ClearStackValues(ctx), serviceID), op.name)
	stack := middleware.NewStack(op.name, smithyhttp.NewStackRequest)
	if err := c.assemble(stack, o, op, endpoint); err != nil {
		return metadata, err
	}
	handler := middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(o.HTTP), stack)
	if _, metadata, err = handler.Handle(ctx, document); err != nil {
		err = &smithy.OperationError{ServiceID: serviceID, OperationName: op.name, Err: err}
	}
	return metadata, err
}

// assemble puts the steps of an operation on its stack. What happens to every attempt is inside of the retry loop, so that
// a retry is signed again. Of the steps that read an answer the last one added sees it first.
func (c *Client) assemble(stack *middleware.Stack, o Options, op operation, endpoint *url.URL) error {
	agent := awsmiddleware.AddSDKAgentKeyValue(awsmiddleware.APIMetadata, "kinesisvideoarchivedmedia", agentVersion)(stack)
	if c.appID != "" {
		agent = errors.Join(agent, awsmiddleware.AddSDKAgentKey(awsmiddleware.ApplicationIdentifier, c.appID)(stack))
	}
	attempt := retry.NewAttemptMiddleware(o.Retryer, smithyhttp.RequestCloner, func(m *retry.Attempt) { m.ClientSkew = &c.skew })
	return errors.Join(
		stack.Initialize.Add(&awsmiddleware.RegisterServiceMetadata{
			Region: c.region, ServiceID: serviceID, SigningName: signingName, OperationName: op.name,
		}, middleware.Before),
		stack.Serialize.Add(middleware.SerializeMiddlewareFunc("OperationSerializer", op.serialize), middleware.After),
		stack.Build.Add(&awsmiddleware.ClientRequestID{}, middleware.After),
		stack.Build.Add(&smithyhttp.ComputeContentLength{}, middleware.After),
		agent,
		stack.Finalize.Add(attempt, middleware.Before),
		stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("ResolveEndpointV2", resolve(endpoint)), middleware.After),
		stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Signing", c.sign), middleware.After),
		v4.AddComputePayloadSHA256Middleware(stack),
		stack.Deserialize.Add(&awsmiddleware.AddRawResponse{}, middleware.After),
		stack.Deserialize.Add(&awshttp.ResponseErrorWrapper{}, middleware.After),
		stack.Deserialize.Add(&awsmiddleware.RequestIDRetriever{}, middleware.After),
		stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("OperationDeserializer", op.deserialize), middleware.After),
		stack.Deserialize.Add(c.inspect, middleware.After),
		stack.Deserialize.Add(&awsmiddleware.RecordResponseTiming{}, middleware.After),
	)
}

// serialize gives the request its method, path and JSON body (REST-JSON).
func (op operation) serialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
	out middleware.SerializeOutput, metadata middleware.Metadata, err error,
) {
	req, err := request(in.Request)
	if err != nil {
		return out, metadata, err
	}
	body, err := json.Marshal(in.Parameters)
	if err != nil {
		return out, metadata, &smithy.SerializationError{Err: err}
	}
	req.Method = http.MethodPost
	req.URL.Path = op.path
	req.Header.Set("Content-Type", "application/json")
	if in.Request, err = req.SetStream(bytes.NewReader(body)); err != nil {
		return out, metadata, &smithy.SerializationError{Err: err}
	}
	return next.HandleSerialize(ctx, in)
}

// request is the HTTP request of a step.
func request(in any) (*smithyhttp.Request, error) {
	req, ok := in.(*smithyhttp.Request)
	if !ok {
		return nil, fmt.Errorf("unknown transport type %T", in)
	}
	return req, nil
}

// finalize is a step that every attempt goes through.
type finalize = func(context.Context, middleware.FinalizeInput, middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error)

// resolve puts scheme, host and path of the endpoint before the operation's path.
func resolve(endpoint *url.URL) finalize {
	return func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
	) {
		req, err := request(in.Request)
		if err != nil {
			return out, metadata, err
		}
		req.URL.Scheme, req.URL.Host = endpoint.Scheme, endpoint.Host
		req.URL.Path = smithyhttp.JoinPath(endpoint.Path, req.URL.Path)
		return next.HandleFinalize(ctx, in)
	}
}

// sign signs an attempt (SigV4) with the time of the service's clock, as far as that is known, and learns it from the
// answer: an attempt that failed because of the clock is signed right at the next.
func (c *Client) sign(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	req, err := request(in.Request)
	if err != nil {
		return out, metadata, err
	}
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return out, metadata, fmt.Errorf("get identity: %w", err)
	}
	at := time.Now().Add(time.Duration(c.skew.Load())).UTC()
	err = c.signer.SignHTTP(ctx, credentials, req.Request, v4.GetPayloadHash(ctx), signingName, c.region, at)
	if err != nil {
		return out, metadata, fmt.Errorf("sign request: %w", err)
	}
	out, metadata, err = next.HandleFinalize(ctx, in)
	if skew, ok := awsmiddleware.GetAttemptSkew(metadata); ok {
		c.skew.Store(int64(skew))
	}
	return out, metadata, err
}

// deserialize reads a 2xx, and gives a *smithy.GenericAPIError for any other status. It closes the body unless the
// operation keeps it.
func (op operation) deserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	out, metadata, err = next.HandleDeserialize(ctx, in)
	if err != nil {
		return out, metadata, err
	}
	resp, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, metadata, &smithy.DeserializationError{Err: fmt.Errorf("unknown transport type %T", out.RawResponse)}
	}
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		err = apiError(resp)
	} else {
		err = op.read(resp)
	}
	if !op.streaming || err != nil {
		if closeErr := resp.Body.Close(); closeErr != nil && err == nil {
			err = &smithy.DeserializationError{Err: fmt.Errorf("close response body: %w", closeErr)}
		}
	}
	return out, metadata, err
}

// apiError reads the error of an answer: its code stands in the header X-Amzn-ErrorType or in the JSON body, its text
// in the body (smithy, AWS restJson1 protocol, "Operation error serialization").
func apiError(resp *smithyhttp.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("read error response: %w", err)}
	}
	code, message, err := restjson.GetErrorInfo(json.NewDecoder(bytes.NewReader(body)))
	if err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("decode error response: %w", err)}
	}
	if header := resp.Header.Get("X-Amzn-ErrorType"); header != "" {
		code = restjson.SanitizeErrorCode(header)
	}
	if code = strings.TrimSpace(code); code == "" {
		code = "UnknownError"
	}
	return &smithy.GenericAPIError{Code: code, Message: message}
}
