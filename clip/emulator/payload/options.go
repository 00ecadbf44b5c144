package payload

import (
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/form"
)

// Moov says where the moov box of a payload stands.
type Moov int

const (
	// MoovFirst puts moov before mdat.
	MoovFirst Moov = iota
	// MoovLast puts moov after mdat.
	MoovLast
)

// ParseMoov reads what the flag --moov takes: "first" or "last".
func ParseMoov(s string) (Moov, error) {
	return footage.ParseWord[Moov]("moov", s, "first", "last")
}

// Gaps says what a payload does about a gap between its fragments: where one starts more than a second after the last
// frame before it has ended.
type Gaps int

const (
	// GapsKeep keeps the wall clock: the last frame before a gap lasts until the first one after it.
	GapsKeep Gaps = iota
	// GapsClose plays only what was recorded.
	GapsClose
)

// ParseGaps reads what the flag --payload-gaps takes: "keep" or "close".
func ParseGaps(s string) (Gaps, error) {
	return footage.ParseWord[Gaps]("payload gaps", s, "keep", "close")
}

// Muxer says what makes a payload.
type Muxer int

const (
	// MuxerBuiltin is package isom.
	MuxerBuiltin Muxer = iota
	// MuxerFFmpeg is ffmpeg, told to write what real clips have: hvc1, video timescale 1000.
	MuxerFFmpeg
	// MuxerFFmpegDefaults is ffmpeg with its own defaults.
	MuxerFFmpegDefaults
)

// ParseMuxer reads what the flag --muxer takes: "builtin", "ffmpeg" or "ffmpeg-defaults".
func ParseMuxer(s string) (Muxer, error) {
	return footage.ParseWord[Muxer]("muxer", s, "builtin", "ffmpeg", "ffmpeg-defaults")
}

// Syncs says which pictures a payload lists as sync samples.
type Syncs int

const (
	// SyncsAll lists every picture at which decoding can begin: what producers mark as key frames.
	SyncsAll Syncs = iota
	// SyncsIDR lists IDR pictures alone, as some writers do: no recovery point of H.264 and no CRA of H.265. A payload
	// whose groups of pictures are all open may have none.
	SyncsIDR
)

// ParseSyncs reads what the flag --sync takes: "all" or "idr".
func ParseSyncs(s string) (Syncs, error) {
	return footage.ParseWord[Syncs]("sync", s, "all", "idr")
}

// Options say how a payload is made. The zero value works.
type Options struct {
	Moov  Moov
	Gaps  Gaps
	Muxer Muxer
	Syncs Syncs
	// Forms are the ways in which it is odd. Those that add or drop fragments are the caller's to follow.
	Forms form.Set
	// Next is the fragment after the last, for form.Joint; nil if there is none.
	Next *footage.Fragment
	// Created is what the payload says about when it was made; the zero time leaves that unset.
	Created time.Time
	// TempDir is where ffmpeg's files go; empty means the system's directory for temporary files.
	TempDir string
}
