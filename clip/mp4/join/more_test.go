package join_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// stored is a fragment of a model: pictures and frames of sound, with the times at which they are shown, in order.
type stored struct {
	video, sound []frame
}

// store makes up a recording: 25 pictures a second, a key frame each second, and sound of 1024 samples at 48 kHz that
// leads the pictures it is stored with. Every frame has its own bytes.
func store(r *rand.Rand, n int, lead time.Duration) []stored {
	all, number, at := make([]stored, n), uint64(0), 0
	data := func(least, most int) []byte {
		number++
		return binary.BigEndian.AppendUint64(make([]byte, least+r.IntN(most-least)), number)
	}
	for i := range all {
		second := time.Duration(i) * time.Second
		for k := range 25 {
			f := frame{pts: second + ms(40*int64(k)), data: data(100, 900), sync: k == 0}
			if k == 0 {
				f.data = data(4000, 9000)
			}
			all[i].video = append(all[i].video, f)
		}
		for ; at*1024 < (i+1)*48000-int(lead*48000/time.Second); at++ {
			pts := time.Duration(at) * 1024 * time.Second / 48000
			if pts >= second-lead {
				least := 150 + 16*r.IntN(4) // so that neighbours often have one size
				all[i].sound = append(all[i].sound, frame{pts: pts, data: data(least, least+1)})
			}
		}
	}
	return all
}

// begins gives when the first frame of a fragment is shown, in whole milliseconds as a listing has it, and ends when the
// last is.
func (s stored) begins() time.Duration { return min(s.video[0].pts, s.sound[0].pts).Round(ms(1)) }
func (s stored) ends() time.Duration {
	return max(s.video[len(s.video)-1].pts, s.sound[len(s.sound)-1].pts).Round(ms(1))
}

// payloadOf muxes frames in a row, both tracks by one clock that begins with the earlier of them.
func payloadOf(t *testing.T, video, sound []frame) []byte {
	t.Helper()
	entry, _ := avc(0)
	out := isom.Output{Tracks: []isom.OutputTrack{
		{Handler: isom.Video, Timescale: 1000, Entries: [][]byte{entry}},
		{Handler: isom.Sound, Timescale: 48000, Entries: [][]byte{isom.NewAACEntry([]byte{0x11, 0x90}, 48000, 2)}},
	}}
	zero := min(video[0].pts, sound[0].pts)
	for k, frames := range [][]frame{video, sound} {
		var media isom.Slices
		for i, f := range frames {
			duration := uint32(40)
			if k == 1 {
				duration = 1024
			}
			if i+1 < len(frames) && frames[i+1].pts-f.pts > ms(500) { // a gap
				duration = uint32((frames[i+1].pts - f.pts) * time.Duration(out.Tracks[k].Timescale) / time.Second)
			}
			out.Tracks[k].Samples = append(out.Tracks[k].Samples,
				isom.SampleRun{Count: 1, Duration: duration, Size: uint32(len(f.data)), Sync: f.sync || k == 1})
			media = append(media, f.data)
		}
		out.Chunks = append(out.Chunks, isom.OutputChunk{Track: k, Samples: uint32(len(frames)), Data: media})
		if wait := (frames[0].pts - zero).Round(ms(1)); wait > 0 {
			out.Tracks[k].Edits = []isom.Edit{{Duration: uint64(wait.Milliseconds()), MediaTime: -1}, {Duration: 1 << 20}}
		}
	}
	return mp4test.Build(t, out)
}

// TestJoinMoreThanListed joins payloads that have more than was listed: a fragment at either end, the first picture
// twice, a frame of sound at both sides of a joint. Each frame is in the file once, at its time, whether stss lists key
// frames or, as for open groups of pictures, none; only a picture that is twice is not found then.
func TestJoinMoreThanListed(t *testing.T) {
	for _, lead := range []time.Duration{0, ms(93)} {
		for _, each := range []int{1, 3} { // fragments a part
			for _, odd := range []string{"", "fragment before", "fragment after", "picture twice", "sound before", "sound after"} {
				t.Run(fmt.Sprintf("%v %d %s", lead, each, odd), func(t *testing.T) {
					tryMore(t, lead, each, odd, true)
					if odd != "picture twice" {
						tryMore(t, lead, each, odd, false)
					}
				})
			}
		}
	}
}

// tryMore joins payloads of so many fragments each with something odd.
func tryMore(t *testing.T, lead time.Duration, each int, odd string, keys bool) {
	t.Helper()
	all := store(rand.New(rand.NewPCG(5, uint64(each))), 14, lead)
	all = all[1:] // the first one's sound begins late
	var parts []join.Part
	var payloads [][]byte
	var video, sound []frame
	for i := 1; i+each < len(all); i += each {
		var p join.Part
		from, to := i, i+each
		for _, f := range all[from:to] {
			video, sound = append(video, f.video...), append(sound, f.sound...)
			size := int64(512)
			for _, s := range slices.Concat(f.video, f.sound) {
				size += int64(len(s.data)) + 12
			}
			p.Fragments = append(p.Fragments, join.Fragment{Start: f.begins() - all[i].begins(), Length: f.ends() - f.begins(), Size: size})
		}
		switch odd {
		case "fragment before":
			from--
		case "fragment after":
			to++
		}
		var v, s []frame
		for _, f := range all[from:to] {
			v, s = append(v, f.video...), append(s, f.sound...)
		}
		switch odd {
		case "picture twice":
			again := v[0]
			again.pts -= ms(40)
			v = slices.Insert(v, 0, again)
		case "sound before":
			before := all[i-1].sound
			s = slices.Insert(s, 0, before[len(before)-1])
		case "sound after":
			s = append(s, all[to].sound[0])
		}
		for k := range v {
			v[k].sync = v[k].sync && keys
		}
		payload := payloadOf(t, v, s)
		whole := partOf(t, payload, all[i].begins()-all[1].begins())
		p.Head, p.Start = whole.Head, whole.Start
		parts, payloads = append(parts, p), append(payloads, payload)
	}
	j, file := joined(t, parts, payloads, join.Options{})
	zero := all[1].begins()
	sameTimes(t, "picture", expand(t, file, mp4.HandlerVideo), video, zero, ms(1)+ms(1)/2)
	if odd == "sound before" || odd == "sound after" { // at the file's ends nothing tells that it is twice
		got := expand(t, file, mp4.HandlerSound)
		first := slices.IndexFunc(got, func(f frame) bool { return bytes.Equal(f.data, sound[0].data) })
		sameTimes(t, "sound", got[max(0, first):][:min(len(sound), len(got)-max(0, first))], sound, zero, ms(22))
	} else {
		sameTimes(t, "sound", expand(t, file, mp4.HandlerSound), sound, zero, ms(22))
	}
	if left := len(j.LeftOut()); (left == 0) != (odd == "") {
		t.Errorf("left out: %v", j.LeftOut())
	}
}

// TestJoinMoreBehindGap: what stands before or behind the fragments of a part behind a gap is told by times: the fragment
// before is seconds earlier, the one behind is not that much later. Sizes would tell the contrary here: they are those of the
// fragments' neighbours.
func TestJoinMoreBehindGap(t *testing.T) {
	for _, lead := range []time.Duration{0, ms(93)} {
		for _, keys := range []bool{true, false} {
			for _, more := range [][2]int{{0, 0}, {1, 0}, {0, 1}} {
				all := store(rand.New(rand.NewPCG(6, 6)), 14, lead)[1:]
				for i := range all[4:] {
					for k := range all[4+i].video {
						all[4+i].video[k].pts += 7 * time.Second
						all[4+i].video[k].sync = keys && k == 0
					}
					for k := range all[4+i].sound {
						all[4+i].sound[k].pts += 7 * time.Second
					}
				}
				var parts []join.Part
				var payloads [][]byte
				var video []frame
				for _, at := range [][2]int{{1, 4}, {4, 8}, {8, 12}} {
					var p join.Part
					for i, f := range all[at[0]:at[1]] {
						video = append(video, f.video...)
						size := int64(512)
						neighbour := all[at[0]+i-more[0]+more[1]]
						for _, s := range slices.Concat(neighbour.video, neighbour.sound) {
							size += int64(len(s.data)) + 12
						}
						p.Fragments = append(p.Fragments, join.Fragment{Start: f.begins() - all[at[0]].begins(), Length: f.ends() - f.begins(), Size: size})
					}
					if at[0] == 4 {
						at[0], at[1], p.GapBefore = at[0]-more[0], at[1]+more[1], true
					}
					var v, s []frame
					for _, f := range all[at[0]:at[1]] {
						v, s = append(v, f.video...), append(s, f.sound...)
					}
					payload := payloadOf(t, v, s)
					whole := partOf(t, payload, all[at[0]+len(parts)%2*more[0]].begins()-all[1].begins())
					p.Head, p.Start = whole.Head, whole.Start
					parts, payloads = append(parts, p), append(payloads, payload)
				}
				_, file := joined(t, parts, payloads, join.Options{Gaps: join.KeepGaps})
				t.Logf("lead %v, keys %t, %d before, %d behind", lead, keys, more[0], more[1])
				sameTimes(t, "picture", expand(t, file, mp4.HandlerVideo), video, all[1].begins(), ms(1)+ms(1)/2)
			}
		}
	}
}

// sameTimes compares frames and their times with a model's, whose time zero is the file's 0.
func sameTimes(t *testing.T, what string, got, want []frame, zero, most time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d, want %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i].data, want[i].data) {
			t.Errorf("%s %d is another", what, i)
			return
		}
		if off := got[i].pts - (want[i].pts - zero); off.Abs() > most {
			t.Errorf("%s %d is off by %v", what, i, off)
			return
		}
	}
}
