//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
)

// joinedCheck says how a clip is looked at.
type joinedCheck struct {
	// keep is whether gaps are kept.
	keep bool
	// filter takes out of the coded video what was put in; empty where nothing was. It may write the rest anew, so it
	// is used on what is stored as well.
	filter string
	// decode has pictures and G.711 decoded as well.
	decode bool
	// sidecar has the file beside it tell when each picture was recorded.
	sidecar bool
}

// checkJoined compares a clip with the fragments that it should hold: number, order and content of coded frames, when
// they are shown, and what they decode to.
func checkJoined(t *testing.T, path string, fragments []footage.Fragment, c joinedCheck) {
	t.Helper()
	if len(fragments) == 0 {
		t.Fatalf("%s: nothing stored", path)
	}
	video, audio := lay(fragments, c.keep)
	tracks := demux(t, path, c.filter)
	if len(tracks) == 0 || tracks[0].kind != "video" || (len(tracks) == 2) != (len(audio) > 0) || len(tracks) > 2 {
		t.Fatalf("%s: streams %d, stored sound of %d frames", path, len(tracks), len(audio))
	}
	for _, track := range tracks {
		checkDecodingTimes(t, path, track)
	}
	coded := hashesOf(video)
	if c.filter != "" {
		coded = storedFiltered(t, fragments, c.filter)
	}
	sameList(t, path, "coded pictures", coded, tracks[0].hashes())
	checkTimes(t, path, video, tracks[0])
	if len(audio) > 0 {
		checkAudio(t, path, audio, soundOf(fragments), tracks[0], tracks[1], c)
	}
	if c.sidecar {
		checkPositions(t, path, video, tracks[0])
	}
	if c.decode {
		stored := writeStored(t, fragments)
		lists := picturesOf(t, append(stored, path)...)
		sameList(t, path, "decoded pictures", slices.Concat(lists[:len(stored)]...), lists[len(stored)])
	}
}

// soundOf says how the sound of fragments is coded; some may have none.
func soundOf(fragments []footage.Fragment) footage.Track {
	for _, f := range fragments {
		if track, ok := f.AudioTrack(); ok {
			return track
		}
	}
	return footage.Track{}
}

// checkDecodingTimes checks that they increase.
func checkDecodingTimes(t *testing.T, path string, track packetTrack) {
	t.Helper()
	for i, p := range track.packets[1:] {
		if before := track.packets[i].dts; p.dts <= before {
			t.Errorf("%s: %s %d is decoded at tick %d, after one at %d", path, track.kind, i+1, p.dts, before)
			return
		}
	}
}

// sameList compares two lists of hashes and tells of the first that differs.
func sameList(t *testing.T, path, what string, want, got []string) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if got[i] != want[i] {
			t.Errorf("%s: %s: number %d of %d is not that of %d stored", path, what, i, len(got), len(want))
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d %s, stored %d", path, len(got), what, len(want))
	}
}

// hashesOf gives the hashes of coded frames.
func hashesOf(frames []placed) []string {
	var hashes []string
	for _, f := range frames {
		hashes = append(hashes, hash(f.data))
	}
	return hashes
}

// hashes gives those of a track's packets.
func (p packetTrack) hashes() []string {
	var hashes []string
	for _, packet := range p.packets {
		hashes = append(hashes, packet.hash)
	}
	return hashes
}

// checkTimes compares the times at which pictures are shown, which have to be right to the millisecond.
func checkTimes(t *testing.T, path string, want []placed, got packetTrack) {
	t.Helper()
	for i := range min(len(want), len(got.packets)) {
		at, exact := got.time(got.packets[i].pts - got.packets[0].pts)
		if at.Round(time.Microsecond) != want[i].at || !exact {
			t.Errorf("%s: picture %d of %d is shown at %v, want %v", path, i, len(want), at, want[i].at)
			return
		}
	}
}

// checkPositions compares when pictures were recorded with what the form for that makes of their positions.
func checkPositions(t *testing.T, path string, want []placed, got packetTrack) {
	t.Helper()
	text, err := os.ReadFile(strings.TrimSuffix(path, ".mp4") + ".times.json")
	if err != nil {
		t.Fatal(err)
	}
	var times struct {
		Exact  bool
		Points []struct {
			Position float64 `json:"position_seconds"`
			Time     time.Time
		}
	}
	if err := json.Unmarshal(text, &times); err != nil {
		t.Fatal(err)
	}
	points := times.Points
	if len(points) == 0 || !times.Exact {
		t.Errorf("%s: times %+v, want exact ones", path, times)
		return
	}
	for i := range min(len(want), len(got.packets)) {
		position, _ := got.time(got.packets[i].pts)
		at := 0 // the last point that is not after the picture
		for at+1 < len(points) && points[at+1].Position <= position.Seconds()+1e-6 {
			at++
		}
		recorded := points[at].Time.Add(position - time.Duration(points[at].Position*float64(time.Second)))
		if off := recorded.Sub(want[i].recorded).Abs(); off > time.Millisecond {
			t.Errorf("%s: times say that picture %d, at %v, is of %v, but it is of %v", path, i, position, recorded, want[i].recorded)
			return
		}
	}
}

// seam is how far sound may be from where it was recorded, if its frames are shorter, and rounding is what more stored
// times can make, which are whole milliseconds.
const seam, rounding = 20 * time.Millisecond, time.Millisecond

// checkAudio compares coded audio and its times, which may be off by a frame from the video's.
func checkAudio(t *testing.T, path string, want []placed, coding footage.Track, video, got packetTrack, c joinedCheck) {
	t.Helper()
	zero, _ := video.time(video.packets[0].pts)
	worst, at := time.Duration(0), 0
	compare := func(i int, ticks int64, want time.Duration) {
		shown, _ := got.time(ticks)
		if off := (shown - zero - want).Abs(); off > worst {
			worst, at = off, i
		}
	}
	most := seam
	if coding.Codec.IsG711() {
		content := rawAudio(t, path)
		checkSoundBytes(t, path, want, coding, content, c)
		blocks, before := 0, 0 // the block that a packet begins in, and the bytes before that
		for i, offset := 0, 0; i < len(got.packets) && offset < len(content); i++ {
			for blocks < len(want)-1 && offset >= before+len(want[blocks].data) {
				before += len(want[blocks].data)
				blocks++
			}
			into := time.Duration((offset-before)/coding.Channels) * time.Second / time.Duration(coding.SampleRate)
			compare(i, got.packets[i].pts, want[blocks].at+into)
			offset += got.packets[i].size
		}
	} else {
		sameList(t, path, "coded frames of audio", hashesOf(want), got.hashes())
		most = max(most, 1024*time.Second/time.Duration(coding.SampleRate))
		for i := range min(len(want), len(got.packets)) {
			compare(i, got.packets[i].pts, want[i].at)
		}
	}
	if worst > most+rounding {
		t.Errorf("%s: packet %d of audio is off by %v, more than %v", path, at, worst, most)
	}
	t.Logf("%s: %d packets of audio, off by at most %v", path, len(got.packets), worst)
}

// checkSoundBytes compares the bytes of G.711, and what they decode to.
func checkSoundBytes(t *testing.T, path string, want []placed, coding footage.Track, content []byte, c joinedCheck) {
	t.Helper()
	var stored bytes.Buffer
	for _, block := range want {
		stored.Write(block.data)
	}
	if !bytes.Equal(stored.Bytes(), content) {
		t.Errorf("%s: the %d bytes of sound are not the %d stored", path, len(content), stored.Len())
	}
	if !c.decode {
		return
	}
	if want, got := storedPCM(t, coding, stored.Bytes()), pcm(t, path); got != want {
		t.Errorf("%s: decoded sound %q, stored %q", path, got, want)
	}
}
