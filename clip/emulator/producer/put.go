package producer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Timecodes says what the timecodes of fragments count from.
type Timecodes int

const (
	// Absolute timecodes count from 1970.
	Absolute Timecodes = iota
	// Relative timecodes count from Options.Start.
	Relative
)

// Options of Put. The zero value works.
type Options struct {
	// HTTP sends requests; nil means a client of its own for each call.
	HTTP *http.Client
	// Key and Secret sign requests; empty is a key that an emulator without credentials accepts.
	Key, Secret string
	// Region that requests are signed for; empty is us-east-1.
	Region string
	// Timecodes says what timecodes count from.
	Timecodes Timecodes
	// Start is when recording began, to the millisecond: what Relative timecodes count from.
	Start time.Time
	// OnAck is called with each acknowledgement as it comes, before more is read; nil is not.
	OnAck func(Ack)
}

const (
	service = "kinesisvideo"
	// unsigned stands for the hash of a body that is not signed, since it is not there yet.
	unsigned = "UNSIGNED-PAYLOAD"
	// maxAnswer is far above the size of any answer that is no acknowledgement, in bytes.
	maxAnswer = 64 << 10
)

// Put sends media, one segment of Matroska whose clusters become fragments, to a stream through the service at endpoint
// (that of the control API), and gives the acknowledgements once all have come. Media is read as it is sent, so that a
// reader that goes on for long keeps the connection open as long. Put returns at the first acknowledgement of an error; a
// Read that is going on then is the reader's last, and the caller's to end.
//
// Errors are *ResponseError where a call was refused, *MediaError where the media was, those of the reader and of the
// network. The acknowledgements that had come are given with an error too.
func Put(ctx context.Context, endpoint, stream string, media io.Reader, o Options) ([]Ack, error) {
	o, done := o.withClient()
	defer done()
	acks, err := o.put(ctx, endpoint, stream, media)
	if err != nil {
		return acks, fmt.Errorf("put media to %s: %w", stream, err)
	}
	return acks, nil
}

// withClient gives the options with a client of their own if they have none, and what ends that.
func (o Options) withClient() (Options, func()) {
	if o.HTTP != nil {
		return o, func() {}
	}
	transport := &http.Transport{DisableCompression: true}
	o.HTTP = &http.Client{Transport: transport}
	return o, transport.CloseIdleConnections
}

// put does what Put does.
func (o Options) put(ctx context.Context, endpoint, stream string, media io.Reader) ([]Ack, error) {
	data, err := o.dataEndpoint(ctx, endpoint, stream)
	if err != nil {
		return nil, err
	}
	body := newBody(media)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, data+"/putMedia", body)
	if err != nil {
		return nil, err
	}
	kind := "ABSOLUTE"
	if o.Timecodes == Relative {
		kind = "RELATIVE"
	}
	start := max(o.Start.UnixMilli(), 0)
	req.Header.Set("x-amzn-stream-name", stream)
	req.Header.Set("x-amzn-fragment-timecode-type", kind)
	req.Header.Set("x-amzn-producer-start-timestamp", fmt.Sprintf("%d.%03d", start/1000, start%1000))
	req.Header.Set("x-amzn-fragment-acknowledgment-required", "1")
	req.Header.Set("X-Amz-Content-Sha256", unsigned)
	if err := o.sign(ctx, req, unsigned); err != nil {
		return nil, err
	}
	resp, err := o.HTTP.Do(req)
	if err != nil {
		return nil, errors.Join(err, body.failure())
	}
	defer func() { _ = resp.Body.Close() }() // Read to its end, or of no more interest.
	defer body.stop()
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp)
	}
	acks, err := readAcks(resp.Body, o.OnAck)
	return acks, errors.Join(err, body.failure())
}

// dataEndpoint asks where media of a stream goes.
func (o Options) dataEndpoint(ctx context.Context, endpoint, stream string) (string, error) {
	var out struct{ DataEndpoint string }
	err := o.call(ctx, strings.TrimSuffix(endpoint, "/")+"/getDataEndpoint", map[string]any{"StreamName": stream, "APIName": "PUT_MEDIA"}, &out)
	return strings.TrimSuffix(out.DataEndpoint, "/"), err
}

// CreateStream makes a stream that keeps its footage for so many hours. Errors are *ResponseError, and those of the network.
func CreateStream(ctx context.Context, endpoint, stream string, hours int, o Options) error {
	o, done := o.withClient()
	defer done()
	in := map[string]any{"StreamName": stream, "DataRetentionInHours": hours}
	if err := o.call(ctx, strings.TrimSuffix(endpoint, "/")+"/createStream", in, new(struct{})); err != nil {
		return fmt.Errorf("create %s: %w", stream, err)
	}
	return nil
}

// call calls an operation.
func (o Options) call(ctx context.Context, to string, in map[string]any, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(body)
	if err := o.sign(ctx, req, hex.EncodeToString(sum[:])); err != nil {
		return err
	}
	resp, err := o.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // Only read.
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("answer of %s: %w", to, err)
	}
	return nil
}

// sign signs a request (AWS Signature Version 4).
func (o Options) sign(ctx context.Context, req *http.Request, hash string) error {
	keys := aws.Credentials{AccessKeyID: cmp.Or(o.Key, "producer"), SecretAccessKey: cmp.Or(o.Secret, "producer")}
	return v4.NewSigner().SignHTTP(ctx, keys, req, hash, service, cmp.Or(o.Region, "us-east-1"), time.Now())
}

// refusal reads an answer that is an error.
func refusal(resp *http.Response) error {
	e := &ResponseError{Status: resp.StatusCode}
	e.Kind, _, _ = strings.Cut(resp.Header.Get("x-amzn-ErrorType"), ":")
	var body struct{ Message string }
	if b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err == nil && json.Unmarshal(b, &body) == nil {
		e.Message = body.Message
	}
	return e
}

// body is the body of a request that can be ended early.
type body struct {
	media   io.Reader
	stopped atomic.Bool
	// failed holds what the reader failed with.
	failed atomic.Pointer[error]
}

// newBody makes a body of a reader.
func newBody(media io.Reader) *body { return &body{media: media} }

func (b *body) Read(p []byte) (int, error) {
	if b.stopped.Load() {
		return 0, io.EOF
	}
	n, err := b.media.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed.Store(&err)
	}
	return n, err
}

// stop ends the body before the next Read.
func (b *body) stop() { b.stopped.Store(true) }

// failure gives what the reader failed with.
func (b *body) failure() error {
	if err := b.failed.Load(); err != nil {
		return fmt.Errorf("media: %w", *err)
	}
	return nil
}
