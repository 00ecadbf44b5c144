package kvs

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"clipfs/clip/archive"
	"clipfs/clip/quota"
)

// CheckEndpoint is checkEndpoint for the tests.
func CheckEndpoint(control, data string, insecure bool) error {
	return checkEndpoint(control, data, insecure)
}

// MaxListed is maxListed for the tests.
const MaxListed = maxListed

// MaxPages is maxPages for the tests.
const MaxPages = maxPages

// MaxBarren is maxBarren for the tests.
const MaxBarren = maxBarren

// Pacer gives the tests a pacer's media bucket of one stream.
type Pacer struct{ pacer *quota.Pacer }

// NewPacer gives a pacer.
func NewPacer(p quota.Points) (*Pacer, error) {
	pacer, err := quota.NewPacer(p)
	return &Pacer{pacer}, err
}

// Take takes media points for a reader.
func (p *Pacer) Take(ctx context.Context, stream archive.StreamName, points int) error {
	return p.TakeAs(ctx, stream, points, nil)
}

// TakeAs takes media points.
func (p *Pacer) TakeAs(ctx context.Context, stream archive.StreamName, points int, demand *archive.Demand) error {
	return p.pacer.Take(ctx, quota.Key{Stream: stream, Quota: quota.Media}, points, demand)
}

// Opening gives what whoever opens a clip may take of the media points at once, and a second.
func (p *Pacer) Opening(stream archive.StreamName) (atOnce, perSecond float64) {
	return p.pacer.Bucket(quota.Key{Stream: stream, Quota: quota.Media}).Opening()
}

// Slow refuses media points.
func (p *Pacer) Slow(stream archive.StreamName) float64 {
	return p.pacer.Slow(quota.Key{Stream: stream, Quota: quota.Media})
}

// ErrSilent is what an attempt ends with of which no byte came in time.
var ErrSilent = errSilent

// NewSilenceClient gives a client that gives a first attempt up after stall without a byte, of the answer's body too.
func NewSilenceClient(inner aws.HTTPClient, stall time.Duration) aws.HTTPClient {
	return &silenceClient{inner: inner, stall: stall, attempt: func() int { return 1 }, body: true}
}

// NewPackedClient is newPackedClient for the tests.
func NewPackedClient(transport *http.Transport) aws.HTTPClient { return newPackedClient(transport) }

// Outages gives the tests what knows which addresses refuse connections.
type Outages struct{ outages *outages }

// NewOutages gives one that makes connections by dial.
func NewOutages(dial func(ctx context.Context, network, address string) (net.Conn, error)) Outages {
	return Outages{newOutages(dial)}
}

// Connect makes a connection for a call.
func (o Outages) Connect(ctx context.Context, address string) error {
	conn, err := o.outages.connect(ctx, "tcp", address)
	if conn != nil {
		_ = conn.Close()
	}
	return err
}

// Over gives what is closed when the outage ends that refused a connection.
func Over(err error) <-chan struct{} {
	var refused *refusedError
	if !errors.As(err, &refused) {
		return nil
	}
	return refused.outage.over
}

// Close ends the probes.
func (o Outages) Close() { o.outages.close() }

// Troubles gives the tests what logs failures.
type Troubles struct{ troubles *troubles }

// NewTroubles gives one that has seen nothing.
func NewTroubles(log *slog.Logger) Troubles { return Troubles{newTroubles(log)} }

// Failed tells it of a failure.
func (t Troubles) Failed(host, api string, err error) bool {
	c, ok := causeOf(host, api, err)
	if ok {
		t.troubles.failed(c, "door", err.Error())
	}
	return ok
}

// Answered tells it of an answer.
func (t Troubles) Answered(host, api string) { t.troubles.answered(host, api) }

// LastFailure gives what the error of a call tells of, where an attempt has failed, if that is not nil, and then the wait for points did.
func LastFailure(failed, waited error) error {
	a := &attempts{pace: func(context.Context) error { return waited }}
	a.note(failed)
	_, _ = a.GetAttemptToken(context.Background())
	return a.lastFailure(nil)
}

// ErrPaced says that points come after the deadline.
var ErrPaced = errPaced
