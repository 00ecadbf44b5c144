package footage

import (
	_ "embed" // The test card is part of the program.
	"errors"
	"fmt"
)

// testCardFile is made by testcard.sh.
//
//go:embed testcard.mkv
var testCardFile []byte

// TestCard gives 60 s of H.264 (320x180, 25 fps, closed groups of 2 s, no B-frames) and AAC (32 kHz, 1,875 frames) that
// repeat without a seam. The picture shows the second of the minute, in digits and so that ReadTestCard can read it.
func TestCard() (*Media, error) {
	m, err := ParseMedia(testCardFile)
	if err != nil {
		return nil, fmt.Errorf("test card: %w", err)
	}
	return m, nil
}

// ErrNotTestCard says that a picture is not one of the test card, or is damaged.
var ErrNotTestCard = errors.New("not a picture of the test card")

// The strip at the bottom of the test card: ten squares over the whole width, 32 of 180 lines high.
const (
	stripSquares = 10
	stripTop     = 148
	cardHeight   = 180
	secondBits   = 6
)

// ReadTestCard reads the second of the minute, 0 to 59, from a picture of the test card of any size: width × height bytes
// of brightness, line by line. ErrNotTestCard if its strip cannot be read or its parity is wrong.
func ReadTestCard(gray []byte, width, height int) (second int, err error) {
	if width < stripSquares*4 || height < cardHeight/8 || len(gray)/width < height {
		return 0, fmt.Errorf("%w: %d bytes for %dx%d pixels", ErrNotTestCard, len(gray), width, height)
	}
	var level [stripSquares]int
	for i := range level {
		level[i] = meanSquare(gray, width, height, i)
	}
	white, black := level[0], min(level[1], level[stripSquares-1])
	if white-max(level[1], level[stripSquares-1]) < 64 {
		return 0, fmt.Errorf("%w: levels %d", ErrNotTestCard, level)
	}
	ones := 0
	for i, l := range level[2 : 2+secondBits+1] {
		// What is neither black nor white is no square of ours.
		bright := (l - black) * 100 / (white - black)
		if bright > 30 && bright < 70 {
			return 0, fmt.Errorf("%w: levels %d", ErrNotTestCard, level)
		}
		bit := 0
		if bright >= 70 {
			bit = 1
		}
		ones += bit
		if i < secondBits {
			second = second<<1 | bit
		}
	}
	if ones%2 != 1 || second > 59 {
		return 0, fmt.Errorf("%w: levels %d", ErrNotTestCard, level)
	}
	return second, nil
}

// meanSquare gives the mean brightness of the middle of a square of the strip.
func meanSquare(gray []byte, width, height, i int) int {
	top := height * stripTop / cardHeight
	quarter := (height - top) / 4
	side := width / stripSquares / 4
	sum, n := 0, 0
	for y := top + quarter; y < height-quarter; y++ {
		for x := width*i/stripSquares + side; x < width*(i+1)/stripSquares-side; x++ {
			sum += int(gray[y*width+x])
			n++
		}
	}
	return sum / max(n, 1)
}
