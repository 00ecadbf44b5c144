package kvs

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"clipfs/clip/archive"
	"clipfs/clip/kvs/arrivals"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	// dialTimeout and tlsTimeout bound the making of a connection; attempts are repeated.
	dialTimeout = 10 * time.Second
	tlsTimeout  = 10 * time.Second
	// keepAlive is how often a silent connection is probed, so that a dead peer is noticed.
	keepAlive = 15 * time.Second
	// idleTimeout is how long a connection is kept for the next call.
	idleTimeout = 90 * time.Second
	// idlePerHost is how many connections are kept for one host: as many as a mount has downloads under way.
	idlePerHost = 64
)

// httpClients is how requests are sent.
type httpClients struct {
	pool aws.HTTPClient
	// once is for media that may be left unread after its head: each answer has a connection to itself, which is not used
	// again. Of a body that nobody reads the service sends as much as the client has offered to take, which on a connection
	// that has carried media is many megabytes, and cannot be taken back (RFC 9293, 3.8.6.2.1).
	once      aws.HTTPClient
	closeIdle func()
	// outages knows which hosts refuse connections. It knows of none where the client was given.
	outages *outages
}

// demandClient sends a request as it is due when it is sent: by once for as long as nobody wants more than a head.
type demandClient struct {
	clients *httpClients
	demand  *archive.Demand
}

func (c *demandClient) Do(req *http.Request) (*http.Response, error) {
	if c.demand.Load() == archive.ForHead {
		return c.clients.once.Do(req)
	}
	return c.clients.pool.Do(req)
}

// newHTTPClients gives a pool of connections, or configured where that is one that the SDK does not
// make by default.
func newHTTPClients(configured aws.HTTPClient) *httpClients {
	var transport *http.Transport
	switch c := configured.(type) {
	case nil:
		transport = awshttp.NewBuildableClient().GetTransport()
	case *awshttp.BuildableClient:
		// What the environment set of it stays, as AWS_CA_BUNDLE.
		transport = c.GetTransport()
	default:
		h := &httpClients{pool: c, once: c, closeIdle: func() {}, outages: newOutages(nil)}
		if closer, ok := c.(interface{ CloseIdleConnections() }); ok {
			h.closeIdle = closer.CloseIdleConnections
		}
		return h
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	down := newOutages(dialer.DialContext)
	transport.DialContext = arrivals.Count(down.connect)
	transport.TLSHandshakeTimeout = tlsTimeout
	transport.IdleConnTimeout = idleTimeout
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = idlePerHost
	// A body that the transport unpacks has no Content-Length, and media does not get smaller.
	transport.DisableCompression = true
	// A body that is given up ends its connection, and with it what the service sends. HTTP/2 shares one among all calls.
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	transport.ForceAttemptHTTP2, transport.TLSNextProto = false, nil
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.NextProtos = nil // which a transport that was copied offers
	}
	single := transport.Clone()
	single.DisableKeepAlives = true
	return &httpClients{
		pool: newPackedClient(transport), once: newPackedClient(single), closeIdle: transport.CloseIdleConnections, outages: down,
	}
}

func newPackedClient(transport *http.Transport) *packedClient {
	return &packedClient{inner: &http.Client{
		Transport: transport,
		// A redirect would carry signed headers to a host that the answer names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// packedClient sends a request's headers and body together. The SDK's own body makes net/http send the headers first,
// and is taken away when the answer begins: a connection whose peer answers before it has read the request would be
// closed under the answer.
type packedClient struct{ inner aws.HTTPClient }

// Do implements aws.HTTPClient. Bodies of requests are small: a JSON document that this program made.
func (c *packedClient) Do(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return c.inner.Do(req)
	}
	document, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("request body: %w", err)
	}
	packed := req.WithContext(req.Context())
	packed.Body = io.NopCloser(bytes.NewReader(document))
	return c.inner.Do(packed)
}
