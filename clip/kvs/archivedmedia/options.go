package archivedmedia

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
)

// HTTPClient sends the requests.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// HTTPSignerV4 signs requests with Signature Version 4.
type HTTPSignerV4 interface {
	SignHTTP(ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash, service, region string,
		signingTime time.Time, optFns ...func(*v4.SignerOptions)) error
}

// Options configures a Client, or with the functions that an operation takes, one call. The fields are those of the
// SDK's generated clients that matter for the two calls.
type Options struct {
	// APIOptions change the middleware stack of every operation.
	APIOptions []func(*middleware.Stack) error
	// AppID is added to the User-Agent.
	AppID string
	// BaseEndpoint is where calls go: the data endpoint of the stream and API. Required.
	BaseEndpoint *string
	// ClientLogMode says what is written to Logger.
	ClientLogMode aws.ClientLogMode
	// Credentials sign the requests. Required.
	Credentials aws.CredentialsProvider
	// HTTPSignerV4 defaults to the SDK's signer.
	HTTPSignerV4 HTTPSignerV4
	// Logger defaults to none.
	Logger logging.Logger
	// Region is the region requests are signed for. Required.
	Region string
	// RetryMaxAttempts limits the attempts of Retryer; 0 leaves it as it is.
	RetryMaxAttempts int
	// Retryer defaults to the SDK's standard one.
	Retryer aws.Retryer
	// HTTPClient defaults to the SDK's BuildableClient.
	HTTPClient HTTPClient
}

// Copy gives a copy whose APIOptions can be appended to.
func (o Options) Copy() Options {
	o.APIOptions = slices.Clone(o.APIOptions)
	return o
}
