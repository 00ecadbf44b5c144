package archivedmedia

import (
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
)

// HTTPClient sends the requests.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
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
	// Logger defaults to none.
	Logger logging.Logger
	// Region is the region requests are signed for. Required.
	Region string
	// Retryer defaults to the SDK's standard one.
	Retryer aws.Retryer
	// HTTPClient defaults to the SDK's BuildableClient.
	HTTPClient HTTPClient
}

// copied gives a copy whose APIOptions can be appended to.
func (o Options) copied() Options {
	o.APIOptions = slices.Clone(o.APIOptions)
	return o
}
