package images

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
	"strconv"
	"strings"
)

const (
	// maxSide bounds the width and the height of a picture, in pixels.
	maxSide = 8192
	// maxLine bounds a line of a header, in bytes.
	maxLine = 4 << 10
)

// errRaw: what came is not what ffmpeg was asked for.
var errRaw = errors.New("not the pictures that were asked for")

// rawReader reads pictures in YUV4MPEG2 (yuv4mpeg(5)): a line that tells their size, and of each picture a line and its three planes,
// those of colour of half the width and height.
type rawReader struct {
	from          *bufio.Reader
	width, height int
}

// newRawReader reads the first line; io.EOF where nothing came.
func newRawReader(from io.Reader) (*rawReader, error) {
	r := &rawReader{from: bufio.NewReaderSize(from, maxLine)}
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(line)
	if fields[0] != "YUV4MPEG2" {
		return nil, fmt.Errorf("%w: %.100q", errRaw, line)
	}
	for _, field := range fields[1:] {
		switch n, _ := strconv.Atoi(field[1:]); field[0] {
		case 'W':
			r.width = n
		case 'H':
			r.height = n
		case 'C':
			if !strings.HasPrefix(field, "C420") {
				return nil, fmt.Errorf("%w: %s", errRaw, field)
			}
		}
	}
	if r.width < 1 || r.height < 1 || r.width > maxSide || r.height > maxSide {
		return nil, fmt.Errorf("%w: %d by %d pixels", errRaw, r.width, r.height)
	}
	return r, nil
}

// line reads a line that is not empty.
func (r *rawReader) line() (string, error) {
	line, err := r.from.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(line) == 0:
		return "", io.EOF
	case err != nil:
		return "", fmt.Errorf("%w: %w", errRaw, err)
	case len(strings.TrimSpace(string(line))) == 0:
		return "", fmt.Errorf("%w: an empty line", errRaw)
	}
	return string(line), nil
}

// next reads a picture; io.EOF after the last.
func (r *rawReader) next() (*image.YCbCr, error) {
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(line, "FRAME") {
		return nil, fmt.Errorf("%w: %.100q", errRaw, line)
	}
	p := image.NewYCbCr(image.Rect(0, 0, r.width, r.height), image.YCbCrSubsampleRatio420)
	for _, plane := range [][]byte{p.Y, p.Cb, p.Cr} {
		if _, err := io.ReadFull(r.from, plane); err != nil {
			return nil, fmt.Errorf("%w: %w", errRaw, err)
		}
	}
	return p, nil
}
