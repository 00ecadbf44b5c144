package emulator

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/payload"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

const (
	// DefaultAddress is where the control listener stands if Options.Address is empty.
	DefaultAddress = "127.0.0.1:4580"
	// DefaultRetention is how long streams keep footage if Options.Retention is 0.
	DefaultRetention = 48 * time.Hour
	// DefaultPutConnections is how many connections may bring media to a stream at once if Options.PutConnections is 0. How
	// many the service takes is not known; its official producers have two for some seconds.
	DefaultPutConnections = 5
	// NoRetention as Options.Retention makes streams that keep no footage.
	NoRetention time.Duration = -1
)

// Options of a Server. The zero value is an emulator without streams at DefaultAddress.
type Options struct {
	// Log takes one record a call at debug level; nil discards.
	Log *slog.Logger
	// Listen opens the two listeners; nil means net.ListenConfig.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)

	// Address of the control listener; empty means DefaultAddress, port 0 picks one.
	Address string
	// DataAddress of the data listener; empty means the host of Address and any port.
	DataAddress string

	// DataHost is the host name that GetDataEndpoint tells instead of an address; empty tells the address.
	DataHost string
	// TLS encrypts both listeners, whose URLs then are https; nil does not. Its protocols are not heeded: HTTP/1.1 alone is
	// spoken.
	TLS *tls.Config

	// Streams are there from the start.
	Streams []Stream
	// Retention of Streams, in whole hours; 0 means DefaultRetention, NoRetention means that nothing is kept.
	Retention time.Duration

	// Lifecycle is how long a stream that CreateStream makes is CREATING, and one that is deleted DELETING.
	Lifecycle time.Duration

	// Data is a directory that keeps streams made by CreateStream, and what is pushed into any, across restarts; empty
	// keeps them in memory. It is made if need be, and belongs to one server at a time.
	Data string

	// Payload says how GetClip makes its MP4. Its Created and Next are set for each call, its Forms are those at the start.
	Payload payload.Options
	// Overlaps says what GetClip does about footage that was ingested over older footage.
	Overlaps streams.Overlaps
	// StrictImages has GetImages refuse a width without a height, and a height without a width.
	StrictImages bool
	// Chunked leaves Content-Length out of what GetClip answers.
	Chunked bool
	// Latency passes before the first byte of an answer of the data listener.
	Latency time.Duration
	// Bandwidth of a connection to the data listener for media, in bytes a second; 0 is unlimited.
	Bandwidth int64
	// PutConnections is how many connections may bring media to a stream at once: 0 means DefaultPutConnections, and 1
	// refuses a producer that comes back before the connection that it had has ended.
	PutConnections int
	// StrictAcks has PutMedia tell PERSISTED of a fragment before BUFFERING of the next, always. In the service it can follow.
	StrictAcks bool
	// NoQuota leaves out the service's request quotas.
	NoQuota bool
	// Faults are in force from the start.
	Faults []fault.Rule
	// Credentials that requests have to be signed with; the zero value accepts any signature that is well formed.
	Credentials wire.Credentials
	// Account is the number of the account that has the streams; empty means wire.DefaultAccount. The region of their
	// resource names is the one that a client signs for.
	Account string
}

// Stream is a stream that is there from the start.
type Stream = streams.Given

// ErrOptions means that the options of a Server cannot be used.
var ErrOptions = errors.New("emulator options")

// complete fills in defaults and says what is wrong.
func (o Options) complete() (Options, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Listen == nil {
		o.Listen = new(net.ListenConfig).Listen
	}
	o.Address = cmp.Or(o.Address, DefaultAddress)
	if o.DataAddress == "" {
		host, _, err := net.SplitHostPort(o.Address)
		if err != nil {
			return o, fmt.Errorf("%w: listen address: %w", ErrOptions, err)
		}
		o.DataAddress = net.JoinHostPort(host, "0")
	}
	o.PutConnections = cmp.Or(o.PutConnections, DefaultPutConnections)
	if o.PutConnections < 0 {
		return o, fmt.Errorf("%w: %d connections for media", ErrOptions, o.PutConnections)
	}
	o.Account = cmp.Or(o.Account, wire.DefaultAccount)
	if !wire.ValidAccount(o.Account) {
		return o, fmt.Errorf("%w: account %q: want %d digits", ErrOptions, o.Account, len(wire.DefaultAccount))
	}
	switch o.Retention {
	case 0:
		o.Retention = DefaultRetention
	case NoRetention:
		o.Retention = 0
	}
	if o.Retention < 0 || o.Retention%time.Hour != 0 || o.Retention > streams.MaxRetentionHours*time.Hour {
		return o, fmt.Errorf("%w: retention %s: want whole hours, at most %d", ErrOptions, o.Retention, streams.MaxRetentionHours)
	}
	if o.Latency < 0 || o.Bandwidth < 0 || o.Lifecycle < 0 {
		return o, fmt.Errorf("%w: latency, bandwidth and lifecycle cannot be negative", ErrOptions)
	}
	if err := faultOptions(o.Faults); err != nil {
		return o, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	for _, st := range o.Streams {
		if !st.Name.Valid() {
			return o, fmt.Errorf("%w: stream name %q: want 1 to 256 of [a-zA-Z0-9_.-]", ErrOptions, st.Name)
		}
	}
	return o, nil
}
