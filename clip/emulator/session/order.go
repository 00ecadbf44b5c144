package session

import "clipfs/clip/emulator/wire"

// Order is what a session is asked for, whatever the protocol. What is empty has its default.
type Order struct {
	PlaybackMode             string
	Selector                 *Selector
	ContainerFormat          string
	DiscontinuityMode        string
	DisplayFragmentTimestamp string
	DisplayFragmentNumber    string
	Expires                  int
	MaxResults               int
}

// Selector is an HLSFragmentSelector or DASHFragmentSelector on the wire.
type Selector struct {
	FragmentSelectorType string
	TimestampRange       *struct{ StartTimestamp, EndTimestamp *wire.Timestamp }
}

// HLSInput is the input of GetHLSStreamingSessionURL.
type HLSInput struct {
	wire.StreamRef
	PlaybackMode, ContainerFormat, DiscontinuityMode, DisplayFragmentTimestamp string
	HLSFragmentSelector                                                        *Selector
	Expires, MaxMediaPlaylistFragmentResults                                   int
}

// Order gives what is asked for.
func (in HLSInput) Order() Order {
	return Order{PlaybackMode: in.PlaybackMode, Selector: in.HLSFragmentSelector, ContainerFormat: in.ContainerFormat,
		DiscontinuityMode: in.DiscontinuityMode, DisplayFragmentTimestamp: in.DisplayFragmentTimestamp, Expires: in.Expires,
		MaxResults: in.MaxMediaPlaylistFragmentResults}
}

// DASHInput is the input of GetDASHStreamingSessionURL.
type DASHInput struct {
	wire.StreamRef
	PlaybackMode, DisplayFragmentTimestamp, DisplayFragmentNumber string
	DASHFragmentSelector                                          *Selector
	Expires, MaxManifestFragmentResults                           int
}

// Order gives what is asked for.
func (in DASHInput) Order() Order {
	return Order{PlaybackMode: in.PlaybackMode, Selector: in.DASHFragmentSelector, DisplayFragmentTimestamp: in.DisplayFragmentTimestamp,
		DisplayFragmentNumber: in.DisplayFragmentNumber, Expires: in.Expires, MaxResults: in.MaxManifestFragmentResults}
}
