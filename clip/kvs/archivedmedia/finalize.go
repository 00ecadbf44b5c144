package archivedmedia

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// resolveEndpoint sends the request to the base endpoint.
type resolveEndpoint struct{ options Options }

// ID implements middleware.FinalizeMiddleware with the name that the SDK's clients use.
func (*resolveEndpoint) ID() string { return "ResolveEndpointV2" }

// HandleFinalize puts scheme, host and path of the endpoint before the operation's path.
func (m *resolveEndpoint) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return out, metadata, fmt.Errorf("unknown transport type %T", in.Request)
	}
	if m.options.BaseEndpoint == nil {
		return out, metadata, errors.New("no base endpoint: ask GetDataEndpoint for the stream's")
	}
	u, err := url.Parse(*m.options.BaseEndpoint)
	if err != nil {
		return out, metadata, fmt.Errorf("base endpoint: %w", err)
	}
	req.URL.Scheme = u.Scheme
	req.URL.Host = u.Host
	req.URL.Path = smithyhttp.JoinPath(u.Path, req.URL.Path)
	return next.HandleFinalize(ctx, in)
}

// sign signs an attempt with SigV4.
type sign struct {
	client  *Client
	options Options
}

// ID implements middleware.FinalizeMiddleware with the name that the SDK's clients use.
func (*sign) ID() string { return "Signing" }

// HandleFinalize signs with the time of the service's clock, as far as that is known, and learns it from the answer:
// an attempt that failed because of the clock is signed right at the next.
func (m *sign) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return out, metadata, fmt.Errorf("unknown transport type %T", in.Request)
	}
	if m.options.Credentials == nil {
		return out, metadata, errors.New("get identity: no credentials provider")
	}
	credentials, err := m.options.Credentials.Retrieve(ctx)
	if err != nil {
		return out, metadata, fmt.Errorf("get identity: %w", err)
	}
	at := time.Now().Add(time.Duration(m.client.skew.Load())).UTC()
	err = m.client.signer.SignHTTP(ctx, credentials, req.Request, v4.GetPayloadHash(ctx),
		signingName, m.options.Region, at, func(o *v4.SignerOptions) {
			o.Logger = m.options.Logger
			o.LogSigning = m.options.ClientLogMode.IsSigning()
		})
	if err != nil {
		return out, metadata, fmt.Errorf("sign request: %w", err)
	}
	out, metadata, err = next.HandleFinalize(ctx, in)
	if skew, ok := awsmiddleware.GetAttemptSkew(metadata); ok {
		m.client.skew.Store(int64(skew))
	}
	return out, metadata, err
}
