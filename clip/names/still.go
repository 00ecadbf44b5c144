package names

import (
	"fmt"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// Still is the form of a still, whose name in the directory of a stream is an instant: "2024-01-01T10:07:30.jpg".
const Still Form = ".jpg"

// stillForm is the right form of a still, as it is explained.
const stillForm = "the picture of an instant is in the directory of the stream, front-door/2024-01-01T10:07:30.jpg"

// ParseStill reads the name of a still, which is a start of any precision. ErrName if it is not in the grammar.
func (g Grammar) ParseStill(name string) (time.Time, error) {
	stem, ok := strings.CutSuffix(name, string(Still))
	if !ok {
		return time.Time{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	start, err := g.ParseStart(stem)
	return start.Time, err
}

// explainStill says what is wrong with a name that ends as pictures do, and is meant as a time or a length; ok is false for one that does
// not end so.
func (g Grammar) explainStill(name string) (text string, ok bool) {
	at := strings.LastIndexByte(name, '.')
	if at < 0 {
		return "", false
	}
	switch strings.ToLower(name[at:]) {
	case ".jpg", ".jpeg", ".png":
	default:
		return "", false
	}
	stem := strings.TrimSuffix(name[:at], coverMark)
	_, err := g.ParseStart(stem)
	switch {
	case err == nil || meantAsLength(stem):
		return stillForm, true
	case isTimeWord(stem):
		return stillForm + "; " + wordForm, true
	case meantAsTime(stem):
		return withReason(err, stillForm), true
	}
	return "", true
}
