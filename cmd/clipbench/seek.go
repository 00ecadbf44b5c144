package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"

	"clipfs/cmd/internal/child"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

const (
	// seeksARound is how many seeks there are for each round: a percentile needs more of them than a median.
	seeksARound = 5
	// playerReads is how much a player asks for at once.
	playerReads = 64 << 10
	// warmUp is how long a decoder is given to start before it gets its pictures.
	warmUp = 250 * time.Millisecond
)

func seekTask() task {
	against := "one GetClip of the smallest part with the target, read to the target frame's last byte"
	return task{"seek", []row{
		{name: "cold seek in an open 1 h clip, to the decoded frame, p50", against: against, limit: 1.3},
		{name: "cold seek in an open 1 h clip, to the decoded frame, p95", against: against, limit: 2},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		m, err := b.mount(ctx, "")
		if err != nil {
			return err
		}
		defer m.end(&err)
		at := b.hour()
		p, err := openPlayer(m.clip(camStream, at, "1h"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.file.Close()) }()
		if err := b.rest(ctx); err != nil {
			return err
		}
		var part, fragment pairs
		rng := rand.New(rand.NewPCG(5, 5))
		minutes := rng.Perm(30) // every other one, as reading a part may fetch the next
		for i := range min(seeksARound*b.rounds, len(minutes)) {
			start := at.Add(time.Duration(2*minutes[i]) * time.Minute)
			first := 2 * minutes[i] * pictures(time.Minute)
			target := rng.IntN(pictures(time.Minute))
			ours, err := p.seek(ctx, first+target)
			if err != nil {
				return err
			}
			theirs, err := b.fetchUpTo(ctx, archive.Span{Start: start, End: start.Add(time.Minute)}, target, p.samples[first+target].Size)
			if err != nil {
				return err
			}
			part.add(ours, theirs)
			within := target / pictures(2*time.Second)
			start = start.Add(time.Duration(within) * 2 * time.Second)
			theirs, err = b.fetchUpTo(ctx, archive.Span{Start: start, End: start.Add(2 * time.Second)}, target-within*pictures(2*time.Second), p.samples[first+target].Size)
			if err != nil {
				return err
			}
			fragment.add(ours, theirs)
		}
		note := part.note() + fmt.Sprintf("; parts are those of the clip, a minute each; against its fragment alone p50 %.2f, p95 %.2f",
			fragment.longer(), percentile(fragment.ratios(), 95))
		rows[0].value, rows[0].note = part.longer(), note
		rows[1].value, rows[1].note = percentile(part.ratios(), 95), ""
		return nil
	}}
}

// pictures is how many pictures the footage has in a time.
func pictures(d time.Duration) int { return int(30 * d / time.Second) }

// fetchUpTo makes one GetClip call and reads it up to the last byte of a picture, which has to have a certain size.
func (b *bench) fetchUpTo(ctx context.Context, span archive.Span, picture int, size uint32) (time.Duration, error) {
	began := time.Now()
	p, err := b.payload(ctx, camStream, span)
	if err != nil {
		return 0, err
	}
	defer func() { _ = p.Body.Close() }() // it is given up
	media, movie, err := scanHead(p.Body)
	if err != nil {
		return 0, err
	}
	i := 0
	for s, err := range movie.Video().Samples() {
		if err != nil {
			return 0, err
		}
		if i++; i <= picture {
			continue
		}
		if s.Size != size {
			return 0, fmt.Errorf("picture %d of %s has %d bytes, want %d", picture, span, s.Size, size)
		}
		_, err := io.CopyN(io.Discard, p.Body, s.Position+int64(s.Size)-media)
		return time.Since(began), err
	}
	return 0, fmt.Errorf("no picture %d in %s", picture, span)
}

// player has a clip open, and knows where its pictures are.
type player struct {
	file    *os.File
	samples []mp4.Sample
	// parameters are the decoder's, in the form of a byte stream (ISO/IEC 14496-10 annex B).
	parameters []byte
}

func openPlayer(path string) (*player, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	p := &player{file: f}
	_, movie, err := scanHead(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	video := movie.Video()
	for s, err := range video.Samples() {
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		p.samples = append(p.samples, s)
	}
	avcC, _ := video.Entries[0].Config(mp4.TypeAvcC)
	if p.parameters, err = parameterSets(avcC); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// startCode stands before each NAL unit of a byte stream.
const startCode = "\x00\x00\x00\x01"

// parameterSets gives those of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1) as a byte stream.
func parameterSets(avcC []byte) ([]byte, error) {
	const fixed = 5
	if len(avcC) < fixed {
		return nil, errors.New("no avcC")
	}
	var out []byte
	rest := avcC[fixed:]
	for _, mask := range []byte{0x1f, 0xff} { // sequence parameter sets, then picture parameter sets
		if len(rest) == 0 {
			return nil, errors.New("avcC is cut")
		}
		n := rest[0] & mask
		for rest = rest[1:]; n > 0; n-- {
			if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
				return nil, errors.New("avcC is cut")
			}
			size := int(binary.BigEndian.Uint16(rest))
			out = append(append(out, startCode...), rest[2:2+size]...)
			rest = rest[2+size:]
		}
	}
	return out, nil
}

// seek reads what it takes to show a picture, from the key frame before it on, decodes it and gives how long that took.
func (p *player) seek(ctx context.Context, target int) (time.Duration, error) {
	first := target
	for first > 0 && !p.samples[first].Sync {
		first--
	}
	d, err := startDecoder(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	from, end := p.samples[first].Position, p.samples[target].Position+int64(p.samples[target].Size)
	media := make([]byte, end-from)
	next := first
	err = d.feed(p.parameters)
	for have := int64(0); err == nil && have < int64(len(media)); {
		n := min(int64(len(media))-have, playerReads)
		if _, err = p.file.ReadAt(media[have:have+n], from+have); err != nil {
			break
		}
		for have += n; err == nil && next <= target && p.samples[next].Position+int64(p.samples[next].Size)-from <= have; next++ {
			at := p.samples[next].Position - from
			err = d.feed(byteStream(media[at : at+int64(p.samples[next].Size)]))
		}
	}
	decoded, ended := d.end()
	took := time.Since(began)
	if err := errors.Join(err, ended); err != nil {
		return 0, fmt.Errorf("seek to picture %d: %w", target, err)
	}
	if decoded != target-first+1 {
		return 0, fmt.Errorf("seek to picture %d: %d pictures decoded, want %d", target, decoded, target-first+1)
	}
	return took, nil
}

// byteStream gives a sample, whose NAL units have their lengths in four bytes before them, with start codes instead.
func byteStream(sample []byte) []byte {
	out := bytes.Clone(sample)
	for at := 0; at+4 <= len(out); {
		size := int(binary.BigEndian.Uint32(out[at:]))
		copy(out[at:], startCode)
		at += 4 + size
	}
	return out
}

// decoder is an ffmpeg that waits for pictures.
type decoder struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out bytes.Buffer
}

// pictureBytes is the size of a decoded picture, which is made small.
const pictureBytes = 16 * 9

// startDecoder starts one and gives it time to be ready.
func startDecoder(ctx context.Context) (*decoder, error) {
	d := &decoder{}
	d.cmd = exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-threads", "1", "-f", "h264", "-i", "pipe:0", "-fps_mode", "passthrough",
		"-s", "16x9", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1")
	d.cmd.Env, d.cmd.Dir, d.cmd.Stdout = child.Environment(), "/", &d.out
	var err error
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	time.Sleep(warmUp)
	return d, nil
}

func (d *decoder) feed(b []byte) error {
	_, err := d.in.Write(b)
	return err
}

// end has it decode what it was given and gives how many pictures it showed.
func (d *decoder) end() (int, error) {
	err := errors.Join(d.in.Close(), d.cmd.Wait())
	return d.out.Len() / pictureBytes, err
}
