package mp4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// MaxMoov is the longest moov that is held in memory: 256 MiB. The moov of 24 h of footage is up to 80 MB.
const MaxMoov = 256 << 20

// Box is a box at the top of a stream.
type Box struct {
	BoxHeader
	// Raw is the header as it came, 8 or 16 bytes.
	Raw []byte
	// Position is where the box begins, in bytes from the start of the stream.
	Position int64
	// Payload gives the body and is valid until the next call of Next. It ends with io.EOF where the box does, and
	// with io.ErrUnexpectedEOF where the stream ends within the box.
	Payload io.Reader
}

// End is where the box ends in the stream, or -1 where it goes on to the end of the file.
func (b *Box) End() int64 {
	if b.Size == 0 {
		return -1
	}
	return b.Position + b.Size
}

// Scanner walks the top-level boxes of a file that comes front to back, as a download does. It buffers no bodies.
// It is not safe for concurrent use.
type Scanner struct {
	r    io.Reader
	pos  int64
	body *boxReader
	// pending is what was read of a header that turned out not to be one.
	pending []byte
	// ended says that the stream was over within a header or before one.
	ended bool

	moov, mdat bool
	end        int64
	err        error
}

// NewScanner gives a Scanner that reads r. r is read in pieces of 8 bytes for headers; payloads are read as their
// consumer reads them.
func NewScanner(r io.Reader) *Scanner {
	return &Scanner{r: r, end: -1}
}

// Next skips what is unread of the last box and gives the next. Errors, all of them final:
//
//   - io.EOF at the end of the stream, or once a box that goes on to the end of the file was given and read.
//   - ErrNotMP4 if the stream does not begin with a box that may begin an MP4 file.
//   - ErrMalformed if what follows a box is no box.
//   - io.ErrUnexpectedEOF if the stream ends within a box.
//   - whatever else the reader returned.
//
// After ErrNotMP4 and ErrMalformed, Rest gives the bytes that were not handed out.
func (s *Scanner) Next() (*Box, error) {
	if s.err != nil {
		return nil, s.err
	}
	b, err := s.next()
	if err != nil {
		s.err = err
		return nil, err
	}
	return b, nil
}

// next does the work of Next without remembering errors.
func (s *Scanner) next() (*Box, error) {
	if s.body != nil {
		if _, err := io.Copy(io.Discard, s.body); err != nil {
			return nil, err
		}
	}
	at := s.pos
	h, raw, err := s.readHeader()
	if err != nil {
		s.pending = raw
		// Fewer bytes than a header has are no MP4 either, if they are all there is. Where the stream failed they
		// may be the beginning of one.
		if at == 0 && (errors.Is(err, ErrMalformed) || s.ended && len(raw) > 0) {
			err = fmt.Errorf("first bytes %q: %w", raw, ErrNotMP4)
		}
		return nil, err
	}
	if at == 0 && !mayBegin(h.Type) {
		s.pending = raw
		return nil, fmt.Errorf("first bytes %q: %w", raw, ErrNotMP4)
	}
	s.body = &boxReader{s: s, left: h.BodySize()}
	b := &Box{BoxHeader: h, Raw: raw, Position: at, Payload: s.body}
	s.note(b)
	return b, nil
}

// readHeader reads a box header and gives it with its bytes; with an error it gives the bytes read so far.
func (s *Scanner) readHeader() (BoxHeader, []byte, error) {
	raw := make([]byte, headerSize, largeHeaderSize)
	n, err := s.fill(raw)
	if err != nil {
		return BoxHeader{}, raw[:n], err
	}
	h, err := ParseBoxHeader(raw)
	if errors.Is(err, ErrShort) {
		raw = raw[:largeHeaderSize]
		if n, err = s.fill(raw[headerSize:]); err != nil {
			if s.ended {
				err = io.ErrUnexpectedEOF
			}
			return BoxHeader{}, raw[:headerSize+n], err
		}
		h, err = ParseBoxHeader(raw)
	}
	if err != nil {
		return BoxHeader{}, raw, fmt.Errorf("at byte %d of the stream: %w", s.pos-int64(len(raw)), err)
	}
	return h, raw, nil
}

// fill reads len(p) bytes and counts them. It differs from io.ReadFull in that ended tells a stream that is over from
// one that failed with io.ErrUnexpectedEOF, as HTTP bodies do.
func (s *Scanner) fill(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		k, err := s.r.Read(p[n:])
		n += k
		s.pos += int64(k)
		if n == len(p) {
			break
		}
		if err == io.EOF {
			s.ended = true
			if n > 0 {
				err = io.ErrUnexpectedEOF
			}
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// note keeps the end of the box that completes the movie: the later one of moov and the first mdat.
func (s *Scanner) note(b *Box) {
	complete := s.moov && s.mdat
	switch b.Type {
	case TypeMoov:
		s.moov = true
	case TypeMdat:
		s.mdat = true
	}
	if !complete && s.moov && s.mdat {
		s.end = b.End()
	}
}

// End gives the end of the movie as soon as the headers of moov and mdat have both passed and the later one has a
// size: the end of that box. Until then, and where that box goes on to the end of the file, it reports false.
// Boxes may still follow; ones that hold nothing of the movie may be dropped (Movie.MediaEnd tells whether media lies
// behind).
func (s *Scanner) End() (int64, bool) {
	return s.end, s.end >= 0
}

// Position is how many bytes of the stream were read, headers and payloads alike.
func (s *Scanner) Position() int64 { return s.pos }

// Rest gives all bytes of the stream that were not handed out by a Box: after an error of Next, those that are no
// box; otherwise what is unread. The Scanner must not be used after that.
func (s *Scanner) Rest() io.Reader {
	return io.MultiReader(bytes.NewReader(s.pending), s.r)
}

// mayBegin reports whether a file may begin with a box of this type. ISO/IEC 14496-12 4.3 asks for ftyp first; files
// older than that rule begin with the others.
func mayBegin(t FourCC) bool {
	switch t {
	case TypeFtyp, TypeStyp, TypeMoov, TypeMoof, TypeMdat, TypeFree, TypeSkip, TypeWide, TypeUUID, TypeMeta, TypePdin,
		TypeSidx:
		return true
	}
	return false
}

// boxReader reads the body of a box from the scanner's stream.
type boxReader struct {
	s *Scanner
	// left is how many bytes of the body are unread; -1 where it goes on to the end of the file.
	left int64
}

func (r *boxReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if r != r.s.body {
		return 0, fmt.Errorf("payload of a box that was passed: %w", io.ErrClosedPipe)
	}
	if r.left > 0 && int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.s.r.Read(p)
	r.s.pos += int64(n)
	if r.left > 0 {
		r.left -= int64(n)
		if err == io.EOF && r.left > 0 {
			err = io.ErrUnexpectedEOF
		} else if err == io.EOF && n > 0 {
			err = nil
		}
	}
	return n, err
}

// ReadMoov reads the whole box b, header included, into memory. Memory grows with the bytes that arrive, whatever
// size the header claims. ErrTooBig if the box is longer than MaxMoov; io.ErrUnexpectedEOF if the stream ends in it.
func ReadMoov(b *Box) ([]byte, error) {
	if b.Size > MaxMoov {
		return nil, fmt.Errorf("box %s of %d bytes: %w", b.Type, b.Size, ErrTooBig)
	}
	const first = 64 << 10
	limit := int(b.Size)
	if b.Size == 0 {
		limit = MaxMoov + 1
	}
	out := append(make([]byte, 0, max(min(first, limit), len(b.Raw))), b.Raw...)
	for {
		if len(out) > MaxMoov {
			return nil, fmt.Errorf("box %s of more than %d bytes: %w", b.Type, MaxMoov, ErrTooBig)
		}
		if len(out) == cap(out) {
			out = slices.Grow(out, min(len(out)/2, limit-len(out)))
		}
		// A box that is read to its end gives io.EOF for an empty slice too.
		n, err := b.Payload.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("box %s: %w", b.Type, err)
		}
	}
}
