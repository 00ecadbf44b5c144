//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// Numbered footage: each picture is 13 bars of 16 pixels, white, the number of the picture within the footage in 10 bits
// (most significant first, 1 is white), odd parity of these, black. So every single picture tells which one it is, however
// it was scaled and whatever coded it.
const (
	numberedBits   = 10
	numberedBars   = 1 + numberedBits + 1 + 1
	numberedWidth  = 16 * numberedBars
	numberedHeight = 96
	numberedRate   = 5 // pictures a second
	// numberedLength has no factor in common with the minutes of which parts are made: a picture from a wrong part has a
	// wrong number.
	numberedLength = 97 * time.Second
	// numberedGroup is how far key frames are apart; the last group of each round is shorter.
	numberedGroup = 5 * time.Second
)

// numbered makes numbered footage to be looped: H.264 with B-frames and closed groups, and AAC. kbps is its constant rate,
// filled up with nothing, or 0 for what the pictures take.
func numbered(t *testing.T, kbps int) string {
	t.Helper()
	bar := func(i int, when string) string {
		return fmt.Sprintf("drawbox=x=%d:y=0:w=16:h=%d:c=white:t=fill:enable='%s'", 16*i, numberedHeight, when)
	}
	bars := []string{bar(0, "1")}
	var ones []string
	for i := range numberedBits {
		bit := fmt.Sprintf(`mod(floor(n/%d)\,2)`, 1<<(numberedBits-1-i))
		bars, ones = append(bars, bar(1+i, bit)), append(ones, bit)
	}
	bars = append(bars, bar(1+numberedBits, `1-mod(`+strings.Join(ones, "+")+`\,2)`), "format=yuv420p")
	seconds := int(numberedLength / time.Second)
	group := fmt.Sprint(numberedRate * int(numberedGroup/time.Second))
	args := []string{
		"-f", "lavfi", "-i", fmt.Sprintf("color=c=black:s=%dx%d:r=%d:d=%d", numberedWidth, numberedHeight, numberedRate, seconds),
		"-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=500:sample_rate=48000:duration=%d", seconds),
		"-vf", strings.Join(bars, ","), "-threads", "1", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", group,
		"-keyint_min", group, "-sc_threshold", "0", "-c:a", "aac", "-b:a", "32k",
	}
	coder := "open-gop=0:threads=1"
	if kbps > 0 {
		rate := fmt.Sprintf("%dk", kbps)
		args = append(args, "-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate)
		coder += ":nal-hrd=cbr"
	}
	return harness.FFmpeg(t, "numbered.mp4", append(args, "-x264-params", coder)...)
}

// numberAt is the number of the picture of numbered footage, looped since 1970, that is shown from a time on.
func numberAt(at time.Time) int {
	return int(at.UnixMilli() % numberedLength.Milliseconds() * numberedRate / 1000)
}

// pictureSize is how many bytes a picture of numbered footage has, one for each pixel.
const pictureSize = numberedWidth * numberedHeight

// errNotNumbered says that a picture is not of numbered footage, or damaged.
var errNotNumbered = errors.New("not a picture of numbered footage")

// readNumber reads the number in a picture: its brightness, line by line.
func readNumber(gray []byte) (int, error) {
	if len(gray) != pictureSize {
		return 0, fmt.Errorf("%w: %d bytes", errNotNumbered, len(gray))
	}
	var level [numberedBars]int
	for i := range level {
		sum := 0
		for y := numberedHeight / 4; y < numberedHeight*3/4; y++ {
			for x := 16*i + 4; x < 16*i+12; x++ {
				sum += int(gray[y*numberedWidth+x])
			}
		}
		level[i] = sum / (numberedHeight / 2 * 8)
	}
	white, black := level[0], level[numberedBars-1]
	number, ones := 0, 0
	for _, l := range level[1 : numberedBars-1] {
		bright := (l - black) * 100 / max(white-black, 1)
		if white-black < 128 || bright > 30 && bright < 70 {
			return 0, fmt.Errorf("%w: levels %d", errNotNumbered, level)
		}
		number <<= 1
		if bright >= 70 {
			number++
			ones++
		}
	}
	if ones%2 != 1 {
		return 0, fmt.Errorf("%w: parity of levels %d", errNotNumbered, level)
	}
	return number >> 1, nil // without the parity
}
