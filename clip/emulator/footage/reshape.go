package footage

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"clipfs/clip/emulator/form"
)

// session is how long sample entries stay the same under form.Pasp and its like.
const session = time.Minute

// twiceFrames is how many frames form.Twice repeats.
const twiceFrames = 5

// reshape gives the payload its odd forms.
//
// What ffmpeg makes gets the times of decoding that ffmpeg itself sets when it encodes: from the Matroska that it is given
// here, which has none, it guesses the first ones from the nominal frame rate, the same in every clip.
func (p *Payload) reshape() error {
	o := form.Options{Forms: p.opts.Forms, Session: p.frags[0].Producer.Unix() / int64(session/time.Second)}
	if p.opts.Muxer == MuxerFFmpeg && !o.Forms.Has(form.Offsets) {
		o.Forms = append(o.Forms[:len(o.Forms):len(o.Forms)], form.Offsets)
	}
	if p.opts.Syncs == SyncsIDR {
		o.Syncs = p.line.instants()
	}
	if !o.Forms.Reshapes() && o.Syncs == nil {
		return nil
	}
	var plain io.ReaderAt = p.file
	if p.writer != nil {
		var whole bytes.Buffer
		if _, err := p.writer.WriteTo(&whole); err != nil {
			return err
		}
		plain = bytes.NewReader(whole.Bytes())
	}
	var err error
	if p.shaped, err = form.Reshape(plain, p.size, o); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	p.size = p.shaped.Size()
	return nil
}

// instants gives the numbers of the IDR pictures, from 1; it is not nil.
func (l *timeline) instants() []uint32 {
	numbers := []uint32{}
	for i, s := range l.video {
		if accessOf(s.Data, l.videoTrack) == accessIDR {
			numbers = append(numbers, uint32(i+1))
		}
	}
	return numbers
}

// joint adds the first audio frame of the next fragment, which stands at a time.
func (l *timeline) joint(next *Fragment, at time.Duration) {
	audio := next.Audio()
	if len(l.audio) == 0 || len(audio) == 0 {
		return
	}
	l.audio = append(l.audio, move(audio[:1], at)...)
	l.places[len(l.places)-1].audio[1]++
}

// twice puts the first frames in front once more. They are shown right before the first one.
func (l *timeline) twice() {
	end := l.places[0].video[1]
	again := slices.Clone(l.video[:min(twiceFrames, end)])
	first, last := earliest(again), time.Duration(0)
	for _, s := range again {
		last = max(last, s.PTS+s.Duration)
	}
	l.video = append(move(again, first-last), l.video...)
	for i := range l.places {
		for j := range l.places[i].video {
			if i > 0 || j > 0 {
				l.places[i].video[j] += len(again)
			}
		}
	}
}
