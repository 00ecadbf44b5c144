package payload

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"clipfs/clip/emulator/form"
)

// session is how long sample entries stay the same under form.Pasp and its like.
const session = time.Minute

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
