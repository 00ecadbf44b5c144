package session

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"time"
)

// manifest is an MPD (ISO/IEC 23009-1 5.3).
type manifest struct {
	XMLName        xml.Name `xml:"MPD"`
	Space          string   `xml:"xmlns,attr"`
	Own            string   `xml:"xmlns:kvs,attr,omitempty"`
	Profiles       string   `xml:"profiles,attr"`
	Type           string   `xml:"type,attr"`
	Duration       string   `xml:"mediaPresentationDuration,attr,omitempty"`
	AvailableSince string   `xml:"availabilityStartTime,attr,omitempty"`
	Published      string   `xml:"publishTime,attr,omitempty"`
	Update         string   `xml:"minimumUpdatePeriod,attr,omitempty"`
	Kept           string   `xml:"timeShiftBufferDepth,attr,omitempty"`
	Buffer         string   `xml:"minBufferTime,attr"`
	Period         struct {
		ID    string `xml:"id,attr"`
		Start string `xml:"start,attr"`
		Sets  []set  `xml:"AdaptationSet"`
	} `xml:"Period"`
	Timing *timing `xml:"UTCTiming"`
}

// timing tells the service's time.
type timing struct {
	Scheme string `xml:"schemeIdUri,attr"`
	Now    string `xml:"value,attr"`
}

// set is an AdaptationSet of one Representation.
type set struct {
	ContentType string `xml:"contentType,attr"`
	MimeType    string `xml:"mimeType,attr"`
	Aligned     bool   `xml:"segmentAlignment,attr"`
	SAP         int    `xml:"startWithSAP,attr"`
	Template    struct {
		Timescale int    `xml:"timescale,attr"`
		Offset    int64  `xml:"presentationTimeOffset,attr"`
		Init      string `xml:"initialization,attr"`
		Media     string `xml:"media,attr"`
		Number    int    `xml:"startNumber,attr"`
		Timeline  struct {
			S []piece `xml:"S"`
		} `xml:"SegmentTimeline"`
	} `xml:"SegmentTemplate"`
	Representation struct {
		ID        string `xml:"id,attr"`
		Codecs    string `xml:"codecs,attr"`
		Bandwidth int64  `xml:"bandwidth,attr"`
		Width     int    `xml:"width,attr,omitempty"`
		Height    int    `xml:"height,attr,omitempty"`
		Rate      int    `xml:"audioSamplingRate,attr,omitempty"`
	} `xml:"Representation"`
}

// piece is a segment of a SegmentTimeline.
type piece struct {
	Time     int64  `xml:"t,attr"`
	Duration int64  `xml:"d,attr"`
	Number   string `xml:"kvs:fn,attr,omitempty"`
	At       string `xml:"kvs:ts,attr,omitempty"`
}

// duration writes a duration of XML Schema.
func duration(d time.Duration) string { return fmt.Sprintf("PT%.3fS", d.Seconds()) }

// dashManifest writes the manifest. Times are in milliseconds, those of sound too: a segment's own times are in its file.
func (s *Session) dashManifest(now time.Time) ([]byte, error) {
	shown, first, _, ended, err := s.window(now)
	if err != nil {
		return nil, err
	}
	m := manifest{Space: "urn:mpeg:dash:schema:mpd:2011", Profiles: "urn:mpeg:dash:profile:isoff-live:2011", Type: "static", Buffer: "PT2.000S"}
	last := shown[len(shown)-1]
	if s.order.DisplayFragmentNumber == "ALWAYS" || s.order.DisplayFragmentTimestamp == "ALWAYS" {
		m.Own = "https://kinesisvideo.amazonaws.com/dash"
	}
	if ended {
		m.Duration = duration(last.position + last.length - shown[0].position)
	} else {
		const clock = "2006-01-02T15:04:05.000Z"
		m.Type, m.Update, m.Published = "dynamic", "PT1.000S", now.UTC().Format(clock)
		// The fragments with which the session began were there when it did.
		m.AvailableSince = s.created.Add(-s.begun()).UTC().Format(clock)
		m.Kept = duration(last.position + last.length - shown[0].position)
		if time.Until(now).Abs() > time.Second { // The clock was set. A player would take its own.
			m.Timing = &timing{"urn:mpeg:dash:utc:direct:2014", m.Published}
		}
	}
	m.Period.ID, m.Period.Start = "1", "PT0S"
	video, audio := s.timeline.first.VideoTrack(), s.audioTrack(s.timeline.first)
	pictures := s.set(videoTrack, "video", shown, first, ended)
	pictures.Representation.Codecs, pictures.Representation.Bandwidth = videoCodec(video), s.bandwidth()
	pictures.Representation.Width, pictures.Representation.Height = video.Width, video.Height
	m.Period.Sets = []set{pictures}
	if audio.Codec != 0 {
		const guessed = 128_000 // bits a second
		sound := s.set(audioTrack, "audio", shown, first, ended)
		sound.Representation.Codecs, sound.Representation.Bandwidth, sound.Representation.Rate = audioCodec(audio), guessed, audio.SampleRate
		m.Period.Sets = append(m.Period.Sets, sound)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", "  ")
	err = e.Encode(m)
	return b.Bytes(), err
}

// begun gives how long the fragments play with which the session began.
func (s *Session) begun() time.Duration {
	t := &s.timeline
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.begun
}

// set makes the AdaptationSet of a track, without how it is coded.
func (s *Session) set(track, kind string, shown []entry, first int, ended bool) (out set) {
	out.ContentType, out.MimeType, out.Aligned, out.SAP = kind, kind+"/mp4", true, 1
	out.Representation.ID = track
	t := &out.Template
	t.Timescale, t.Number, t.Offset = videoScale, first, lead.Milliseconds()
	if ended {
		t.Offset += shown[0].position.Milliseconds()
	}
	t.Init = "getMP4InitFragment.mp4?" + s.query("TrackNumber", track)
	t.Media = "getMP4MediaFragment.mp4?FragmentNumber=$Number$&" + s.query("TrackNumber", track)
	for _, e := range shown {
		p := piece{Time: (lead + e.position).Milliseconds(), Duration: e.length.Milliseconds()}
		if s.order.DisplayFragmentNumber == "ALWAYS" {
			p.Number = e.fragment.Number
		}
		if at := e.fragment.Time(s.by).UnixMilli(); s.order.DisplayFragmentTimestamp == "ALWAYS" {
			p.At = fmt.Sprintf("%d.%03d", at/1000, at%1000)
		}
		t.Timeline.S = append(t.Timeline.S, p)
	}
	return out
}
