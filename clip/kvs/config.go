package kvs

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/smithy-go/logging"

	"clipfs/clip/archive"
	"clipfs/clip/kvs/redact"
)

// ConfigOptions is what may be said of the AWS configuration besides the environment. The zero value takes all of it
// from the SDK's default chain.
type ConfigOptions struct {
	// EndpointURL is the control endpoint; empty for the one that the chain gives (AWS_ENDPOINT_URL_KINESIS_VIDEO,
	// AWS_ENDPOINT_URL, endpoint_url of the profile, or the region's).
	EndpointURL string
	// Unchecked leaves out the search for credentials: calls fail then where there are none.
	Unchecked bool
}

// LoadConfig gives the configuration of the SDK's default chain, for New. It looks for credentials, which can ask the
// network (a role, single sign-on), and fails in one line that says what to set where there is no region or no
// credentials; the latter wraps archive.ErrCredentials.
func LoadConfig(ctx context.Context, o ConfigOptions) (aws.Config, error) {
	// What the chain has to say comes with its error; its warnings would stand before that, in a form of their own.
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return aws.Config{}, fmt.Errorf("aws configuration: %s", redact.Line(err.Error()))
	}
	if cfg.Region == "" {
		return aws.Config{}, errNoRegion
	}
	if o.EndpointURL != "" {
		if err := checkControl(o.EndpointURL); err != nil {
			return aws.Config{}, err
		}
		cfg.ServiceOptions = append(cfg.ServiceOptions, controlAt(o.EndpointURL))
	}
	if o.Unchecked {
		return cfg, nil
	}
	found := &credentials{chain: cfg.Credentials}
	if _, err := found.Retrieve(ctx); err != nil {
		if missing, ok := errors.AsType[*credentialsError](err); ok {
			return aws.Config{}, fmt.Errorf("%w: %s", archive.ErrCredentials, redact.Line(missing.Error()))
		}
		return aws.Config{}, err
	}
	return cfg, nil
}

// EmulatorOptions say what an emulator wants of its clients. The zero value is for one that takes any credentials.
type EmulatorOptions struct {
	// Key and Secret sign calls, for Region.
	Key, Secret, Region string
	// CA is the PEM of a certificate to trust.
	CA []byte
}

// EmulatorConfig gives a configuration for an emulator. It uses nothing of the environment: it works without an account, and the keys
// of one are not sent. An endpoint that is no URL, and a CA that is no certificate, are archive.ErrInvalid.
func EmulatorConfig(endpoint string, o EmulatorOptions) (aws.Config, error) {
	if err := checkControl(endpoint); err != nil {
		return aws.Config{}, err
	}
	cfg := aws.Config{
		Region: cmp.Or(o.Region, "us-east-1"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: cmp.Or(o.Key, "emulator"), SecretAccessKey: cmp.Or(o.Secret, "emulator"), Source: "EmulatorConfig"}, nil
		}),
		ServiceOptions: []func(string, any){controlAt(endpoint)},
	}
	if o.CA != nil {
		trusted := x509.NewCertPool()
		if !trusted.AppendCertsFromPEM(o.CA) {
			return aws.Config{}, fmt.Errorf("CA of %s: no certificate: %w", endpoint, archive.ErrInvalid)
		}
		cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
		})
	}
	return cfg, nil
}

// controlAt sends control calls to an endpoint. That is not aws.Config.BaseEndpoint, which would send the credential
// chain's own calls there too.
func controlAt(endpoint string) func(string, any) {
	return func(_ string, service any) {
		if s, ok := service.(*kinesisvideo.Options); ok {
			s.BaseEndpoint = &endpoint
		}
	}
}

// checkControl checks the URL of a control endpoint.
func checkControl(text string) error {
	u, err := url.Parse(text)
	if err != nil && strings.Contains(text, "@") { // what stands before it may be a password
		return fmt.Errorf("endpoint: not a URL, want one such as https://kinesisvideo.eu-west-1.amazonaws.com: %w", archive.ErrInvalid)
	}
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("endpoint %q: want a URL such as https://kinesisvideo.eu-west-1.amazonaws.com: %w", text, archive.ErrInvalid)
	}
	if u.User != nil { // calls are signed, and settings are shown
		return fmt.Errorf("endpoint %s: want a URL without user and password: %w", u.Redacted(), archive.ErrInvalid)
	}
	return nil
}
