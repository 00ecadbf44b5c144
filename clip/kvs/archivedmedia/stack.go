package archivedmedia

import (
	"errors"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// agentVersion stands in the User-Agent where the SDK's package has its module version.
const agentVersion = "clipfs"

// assemble puts the middlewares of an operation on its stack. The steps have the names that they have in the SDK's
// clients, so that options which insert before or after one work here too.
func (c *Client) assemble(stack *middleware.Stack, op operation, o Options) error {
	if err := c.assembleRequest(stack, op, o); err != nil {
		return err
	}
	if err := c.assembleFinalize(stack, o); err != nil {
		return err
	}
	// In the deserialize step the first added is the outermost, the last one sees the answer first.
	return errors.Join(
		stack.Deserialize.Add(&awsmiddleware.AddRawResponse{}, middleware.Before),
		stack.Deserialize.Add(&deserialize{op: op}, middleware.After),
		stack.Deserialize.Add(&awsmiddleware.RecordResponseTiming{}, middleware.After),
		stack.Deserialize.Insert(&awsmiddleware.RequestIDRetriever{}, "OperationDeserializer", middleware.Before),
		stack.Deserialize.Insert(&awshttp.ResponseErrorWrapper{}, "RequestIDRetriever", middleware.Before),
		stack.Deserialize.Add(&smithyhttp.RequestResponseLogger{
			LogRequest:          o.ClientLogMode.IsRequest(),
			LogRequestWithBody:  o.ClientLogMode.IsRequestWithBody(),
			LogResponse:         o.ClientLogMode.IsResponse(),
			LogResponseWithBody: o.ClientLogMode.IsResponseWithBody(),
		}, middleware.After),
	)
}

// assembleRequest adds what makes the request: the steps Initialize, Serialize and Build.
func (c *Client) assembleRequest(stack *middleware.Stack, op operation, o Options) error {
	agent := awsmiddleware.AddSDKAgentKeyValue(awsmiddleware.APIMetadata, "kinesisvideoarchivedmedia", agentVersion)
	if err := errors.Join(
		stack.Initialize.Add(&awsmiddleware.RegisterServiceMetadata{
			Region:        o.Region,
			ServiceID:     ServiceID,
			SigningName:   signingName,
			OperationName: op.name,
		}, middleware.Before),
		middleware.AddSetLoggerMiddleware(stack, o.Logger),
		stack.Serialize.Add(&serialize{op: op}, middleware.After),
		stack.Build.Add(&awsmiddleware.ClientRequestID{}, middleware.After),
		stack.Build.Add(&smithyhttp.ComputeContentLength{}, middleware.After),
		stack.Build.Add(&awsmiddleware.RecursionDetection{}, middleware.After),
		agent(stack),
	); err != nil {
		return err
	}
	if o.AppID == "" {
		return nil
	}
	return awsmiddleware.AddSDKAgentKey(awsmiddleware.ApplicationIdentifier, o.AppID)(stack)
}

// assembleFinalize adds what happens to every attempt: the endpoint, the payload's hash and the signature, inside of
// the retry loop, so that a retry is signed anew.
func (c *Client) assembleFinalize(stack *middleware.Stack, o Options) error {
	attempt := retry.NewAttemptMiddleware(o.Retryer, smithyhttp.RequestCloner, func(m *retry.Attempt) {
		m.LogAttempts = o.ClientLogMode.IsRetries()
		m.ClientSkew = &c.skew
	})
	return errors.Join(
		stack.Finalize.Add(attempt, middleware.Before),
		stack.Finalize.Add(&resolveEndpoint{options: o}, middleware.After),
		stack.Finalize.Add(&sign{client: c, options: o}, middleware.After),
		v4.AddComputePayloadSHA256Middleware(stack),
	)
}
