package join

import (
	"fmt"
	"math"

	"clipfs/clip/mp4"
)

// begin settles where the file begins, with a picture or with sound, and with it how long before they are shown pictures
// are decoded.
func (b *joiner) begin() error {
	video, sound := b.tracks[0], b.tracks[1]
	v, s := &b.parts[0].track[0], b.firstSound()
	lead := -v.earliest // of what comes before the first picture, in ticks of the video: an open group has pictures there
	if s != nil {
		lead = max(lead, video.toTicks(video.toTime(v.first)-sound.toTime(s.first)))
	}
	var delay int64
	if lead > 0 && lead >= int64(video.timescale)/1000 {
		delay = lead
	} else if lead, delay = 0, b.delay(); delay > 0 {
		video.edit = &mp4.Edit{MediaTime: delay, Rate: mp4.EditRate}
	}
	for i := range b.parts {
		own := &b.parts[i].track[0]
		own.shift = delay - video.scaled(own, own.offset)
	}
	last := &b.parts[len(b.parts)-1].track[0]
	video.end = uint64(last.shownEnd() - v.first + lead)
	begins := video.toTime(v.first - lead)
	for i := range b.times {
		b.times[i].File -= begins
	}
	if b.times[0].File > 0 { // the first point counts from the file's beginning
		b.times[0].Clip -= b.times[0].File
		b.times[0].File = 0
	}
	if s == nil {
		return nil
	}
	at := s.first - sound.toTicks(begins)
	switch small := max(1, int64(sound.timescale)/1000); {
	case at <= small:
		return nil
	case at > math.MaxInt32:
		return fmt.Errorf("sound begins %v after the video: %w", sound.toTime(at), ErrIncompatible)
	}
	s.head = uint32(at)
	return nil
}

// firstSound gives the first part's share of the sound; nil where there is none.
func (b *joiner) firstSound() *trackPart {
	for i := range b.parts {
		if s := &b.parts[i].track[1]; s.samples > 0 {
			return s
		}
	}
	return nil
}

// delay is how long before it is shown the first picture of every part has to be decoded so that no picture of it is
// shown before it is decoded. Parts that were muxed with negative offsets keep them: their first offset does.
func (b *joiner) delay() int64 {
	most := int64(0)
	for i := range b.parts {
		own := &b.parts[i].track[0]
		most = max(most, b.tracks[0].scaled(own, own.offset)-max(0, b.tracks[0].scaled(own, own.least)))
	}
	return most
}

// scaled gives a composition offset of a part in ticks of the track.
func (t *outputTrack) scaled(p *trackPart, offset int32) int64 {
	v, _ := convert(int64(offset), uint64(p.timescale), uint64(t.timescale)) // 64 bits hold it
	return v
}

// shown gives when the last sample shown ends, from the beginning of the file, in the movie's timescale.
func (t *outputTrack) shown() uint64 {
	end := t.end
	if t.kind == 1 {
		end = t.ticks
	}
	v, _ := rescale(end, uint64(t.timescale), movieTimescale) // in range: ticks are
	return v
}
