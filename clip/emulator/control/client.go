package control

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer is far above what the emulator answers, in bytes.
const maxAnswer = 16 << 20

// Options of a Client. The zero value works.
type Options struct {
	// HTTP sends requests; nil means a client of its own, that trusts CA too.
	HTTP *http.Client
	// CA is the PEM of a certificate to trust, as an emulator with --tls tells it.
	CA string
}

// Client talks to an emulator. It is safe for concurrent use.
type Client struct {
	endpoint string
	http     *http.Client
}

// ErrRefused is what the emulator answers where a request is wrong. What is wrong stands behind it.
var ErrRefused = errors.New("emulator refuses")

// New makes a client of the emulator whose control API is at endpoint. It makes no call.
func New(endpoint string, o Options) (*Client, error) {
	if o.HTTP == nil {
		transport := &http.Transport{DisableKeepAlives: true} // nothing to close
		if o.CA != "" {
			trusted := x509.NewCertPool()
			if !trusted.AppendCertsFromPEM([]byte(o.CA)) {
				return nil, errors.New("emulator: CA has no certificate")
			}
			transport.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
		}
		o.HTTP = &http.Client{Transport: transport}
	}
	return &Client{endpoint: strings.TrimSuffix(endpoint, "/"), http: o.HTTP}, nil
}

// Reset sets the emulator back to how it was started: no stream but those of --stream, without what was sent to them, the faults of
// --fault alone, the machine's time, and no calls counted.
func (c *Client) Reset(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "reset?streams=1&faults=1&payload=1&clock=1", "", nil)
}

// ResetCalls sets the counts of calls to zero and changes nothing else.
func (c *Client) ResetCalls(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "reset", "", nil)
}

// CallCount says what was asked of one API for one stream, which is empty where a call named none, or none that exists.
type CallCount struct {
	API    string `json:"api"`
	Stream string `json:"stream"`
	// Calls that arrived, whatever their answer; Throttled and Errors of them were refused.
	Calls     int64 `json:"calls"`
	Throttled int64 `json:"throttled"`
	Errors    int64 `json:"errors"`
	// Fragments that were listed, asked for or stored, and Bytes of answers.
	Fragments int64 `json:"fragments"`
	Bytes     int64 `json:"bytes"`
}

// Calls tells what was asked since the start or the last reset, by API and stream.
func (c *Client) Calls(ctx context.Context) ([]CallCount, error) {
	var out struct{ Calls []CallCount }
	err := c.call(ctx, http.MethodGet, "calls", "", &out)
	return out.Calls, err
}

// Now is the emulator's time.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	var out struct{ Now time.Time }
	err := c.call(ctx, http.MethodGet, "clock", "", &out)
	return out.Now, err
}

// SetClock sets the emulator's time, which goes on from there. What is no longer retained then is removed for good. Signatures
// are held against the machine's time all the same.
func (c *Client) SetClock(ctx context.Context, at time.Time) error {
	return c.call(ctx, http.MethodPost, "clock", "set="+at.UTC().Format(time.RFC3339Nano), nil)
}

// Advance sets the emulator's clock forward.
func (c *Client) Advance(ctx context.Context, by time.Duration) error {
	return c.call(ctx, http.MethodPost, "clock", "advance="+by.String(), nil)
}

// ResetClock sets the emulator's clock to the machine's.
func (c *Client) ResetClock(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "clock", "", nil)
}

// Fault is something that goes wrong on purpose.
type Fault struct {
	ID int64
	// Fault is the rule, in the grammar of clipfs emulator --fault: kind=throttle,api=GetClip,count=2.
	Fault string
	// Hits is how many calls it has hit.
	Hits int64
}

// AddFaults puts rules into force, all or none, and gives them with their numbers.
func (c *Client) AddFaults(ctx context.Context, rules ...string) ([]Fault, error) {
	return c.faults(ctx, http.MethodPost, strings.Join(rules, "\n"))
}

// Faults gives the rules in force.
func (c *Client) Faults(ctx context.Context) ([]Fault, error) {
	return c.faults(ctx, http.MethodGet, "")
}

// RemoveFault takes a rule out of force. One that is not there is ErrRefused.
func (c *Client) RemoveFault(ctx context.Context, id int64) error {
	return c.call(ctx, http.MethodDelete, fmt.Sprintf("faults/%d", id), "", nil)
}

// ClearFaults takes all rules out of force.
func (c *Client) ClearFaults(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "faults", "", nil)
}

func (c *Client) faults(ctx context.Context, method, body string) ([]Fault, error) {
	var out struct{ Faults []Fault }
	err := c.call(ctx, method, "faults", body, &out)
	return out.Faults, err
}

// call makes a request and reads its answer into out; nil is not.
func (c *Client) call(ctx context.Context, method, path, body string, out any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.endpoint+"/_emulator/"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("%s %s: %w", method, request.URL.Path, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%w %s %s: %d %s", ErrRefused, method, request.URL.Path, response.StatusCode, strings.TrimSpace(string(text)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
