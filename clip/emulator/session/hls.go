package session

import (
	"bytes"
	"fmt"
	"net/url"
	"time"

	"clipfs/clip/emulator/footage"
)

// query gives the query of a resource.
func (s *Session) query(pairs ...string) string {
	q := url.Values{"SessionToken": {s.token}}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q.Encode()
}

// isTS reports whether media is in transport streams, which have all tracks.
func (s *Session) isTS() bool { return s.order.ContainerFormat == "MPEG_TS" }

// masterPlaylist writes the master playlist (RFC 8216 4.3.4).
func (s *Session) masterPlaylist() []byte {
	first := s.timeline.first
	video, audio := first.VideoTrack(), s.audioTrack(first)
	var b bytes.Buffer
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:1\n")
	codecs, group := videoCodec(video), ""
	if audio.Codec != 0 {
		codecs += "," + audioCodec(audio)
		if !s.isTS() {
			group = `,AUDIO="audio"`
			fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,URI=\"getHLSMediaPlaylist.m3u8?%s\"\n",
				s.query("TrackNumber", "2"))
		}
	}
	fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,RESOLUTION=%dx%d,CODECS=\"%s\"%s\n", s.bandwidth(), video.Width, video.Height, codecs, group)
	fmt.Fprintf(&b, "getHLSMediaPlaylist.m3u8?%s\n", s.query("TrackNumber", "1"))
	return b.Bytes()
}

// bandwidth estimates the bits a second of the first fragment.
func (s *Session) bandwidth() int64 {
	first := s.timeline.first
	return first.Size * 8 * int64(time.Second) / int64(max(first.Length, time.Second/10))
}

// audioTrack gives the track of sound that the protocol carries; the zero value is none.
func (s *Session) audioTrack(f footage.Fragment) footage.Track {
	audio, _ := f.AudioTrack()
	if s.protocol == HLS && audio.Codec.IsG711() {
		return footage.Track{}
	}
	return audio
}

// mediaPlaylist writes the playlist of a track (RFC 8216 4.3.2, 4.3.3).
func (s *Session) mediaPlaylist(track string, now time.Time) ([]byte, error) {
	shown, first, broken, ended, err := s.window(now)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	version, name := 7, "getMP4MediaFragment.mp4"
	if s.isTS() {
		version, name = 3, "getTSFragment.ts"
	}
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n", version)
	if s.mode == onDemand {
		b.WriteString("#EXT-X-PLAYLIST-TYPE:VOD\n")
	}
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", (s.longest()+time.Second-1)/time.Second, first)
	switch {
	case s.order.DiscontinuityMode == "ALWAYS" && first > 0:
		fmt.Fprintf(&b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", first)
	case s.order.DiscontinuityMode == "ON_DISCONTINUITY" && broken > 0:
		fmt.Fprintf(&b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", broken)
	}
	b.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n")
	for i, e := range shown {
		if s.order.DiscontinuityMode == "ALWAYS" || s.order.DiscontinuityMode == "ON_DISCONTINUITY" && e.broken {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if i == 0 && !s.isTS() {
			fmt.Fprintf(&b, "#EXT-X-MAP:URI=\"getMP4InitFragment.mp4?%s\"\n", s.query("TrackNumber", track))
		}
		if s.order.DisplayFragmentTimestamp == "ALWAYS" {
			fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", e.fragment.Time(s.by).UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		fmt.Fprintf(&b, "#EXTINF:%.3f,\n%s?%s\n", e.length.Seconds(), name, s.query("FragmentNumber", fmt.Sprint(first+i), "TrackNumber", track))
	}
	if ended {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.Bytes(), nil
}

// longest gives the length of the longest fragment so far.
func (s *Session) longest() time.Duration {
	t := &s.timeline
	t.mu.Lock()
	defer t.mu.Unlock()
	longest := time.Second
	for _, e := range t.entries {
		longest = max(longest, e.length)
	}
	return longest
}
