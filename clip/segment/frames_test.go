package segment_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/segment"
	"clipfs/clip/ts"
)

// media is an MP4 file of fragments, whose frames say which they are, and when its fragments start.
type media struct {
	file   []byte
	movie  *mp4.Movie
	starts []time.Time
	points []archive.Point
	// vague says that nothing tells which pictures a fragment has, so that it is enough if each is in one segment.
	vague bool
	// pictures and sounds is how many frames the fragments have up to each one's beginning.
	pictures, sounds []int
}

// begins is when the footage of the tests begins.
func begins() time.Time { return time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC) }

// shape says how the media of a test is.
type shape struct {
	fragments int
	// reordered has each group decoded as I P B B …, open has pictures of it that are shown before its key frame.
	reordered, open bool
	// lead is how long sound comes before the pictures; less than 0 for no sound.
	lead time.Duration
	// syncs says which pictures are listed as sync samples, by their place in their fragment.
	syncs func(fragment, picture int) bool
}

// Ticks of both tracks, and how long frames are.
const (
	tick    = 1000
	picture = 40
	sound   = 64
	group   = 25
)

// make makes the media.
func (s shape) make(t *testing.T) media {
	t.Helper()
	config := []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 4, 0x67, 66, 0, 30, 1, 0, 4, 0x68, 0xce, 0x38, 0x80}
	out := isom.Output{Tracks: []isom.OutputTrack{{
		Handler: isom.Video, Name: "video", Timescale: tick, Width: 64, Height: 64, Entries: [][]byte{isom.NewAVCEntry(config, 64, 64)},
	}}}
	var m media
	const delay = 2 * picture
	for f := range s.fragments {
		m.starts = append(m.starts, begins().Add(time.Duration(f*group*picture)*time.Millisecond))
		m.pictures = append(m.pictures, f*group)
		for k := range group {
			offset := 0
			if s.reordered {
				offset = delay + []int{picture * 2, -picture, -picture}[(k+2)%3] // I, then P B B with P shown behind both
				if k == 0 {
					offset = delay
				}
				if k == group-1 && (k-1)%3 != 2 {
					offset = delay
				}
			}
			if s.open && f > 0 {
				switch k { // the key frame is shown behind the two that follow it
				case 0:
					offset += 2 * picture
				case 1, 2:
					offset = max(0, offset-2*picture)
				}
			}
			sync := k == 0
			if s.syncs != nil {
				sync = s.syncs(f, k)
			}
			out.Tracks[0].Samples = append(out.Tracks[0].Samples, isom.SampleRun{Count: 1, Duration: picture, Offset: int32(offset), Size: 16, Sync: sync})
			out.Chunks = append(out.Chunks, isom.OutputChunk{Samples: 1, Data: isom.Slices{frame(f*group + k)}})
		}
	}
	first := 0
	if s.reordered {
		first = delay
	}
	edit := isom.Edit{Duration: uint64(s.fragments * group * picture), MediaTime: int64(first)}
	out.Tracks[0].Edits = []isom.Edit{edit}
	m.points = []archive.Point{{At: begins()}}
	if s.lead >= 0 {
		s.addSound(&out, &m)
	}
	m.write(t, out)
	return m
}

// addSound adds a track of sound that begins before the pictures.
func (s shape) addSound(out *isom.Output, m *media) {
	lead := int(s.lead.Milliseconds())
	n := s.fragments * group * picture / sound
	track := isom.OutputTrack{Handler: isom.Sound, Name: "sound", Timescale: tick, Entries: [][]byte{isom.NewAACEntry([]byte{0x14, 0x08}, 16000, 1)}}
	track.Samples = []isom.SampleRun{{Count: uint32(n), Duration: sound, Size: 16, Sync: true}}
	out.Tracks = append(out.Tracks, track)
	if lead > 0 {
		out.Tracks[0].Edits = append([]isom.Edit{{Duration: uint64(lead), MediaTime: -1}}, out.Tracks[0].Edits...)
	}
	for i := range n {
		out.Chunks = append(out.Chunks, isom.OutputChunk{Track: 1, Samples: 1, Data: isom.Slices{frame(1_000_000 + i)}})
	}
	// A fragment's time is that of its first frame, and a frame of sound is in the fragment in which it starts, of which that with its
	// picture is the first that is not over by then.
	for f := range m.starts {
		from := f * group * picture // the position, without the lead, is when the picture before ends
		i := (from + sound - 1) / sound
		m.sounds = append(m.sounds, i)
		at := begins().Add(time.Duration(min(from+lead, i*sound)) * time.Millisecond)
		m.starts[f] = at
	}
}

// write writes the file and reads its tables.
func (m *media) write(t *testing.T, out isom.Output) {
	t.Helper()
	w, err := isom.NewWriter(out)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	m.file = b.Bytes()
	for box, err := range mp4.Children(m.file) {
		if err != nil {
			t.Fatal(err)
		}
		if box.Type == mp4.TypeMoov {
			if m.movie, err = mp4.ParseMovie(box.Raw); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// frame is a frame with a number: a NAL unit of eight bytes.
func frame(n int) []byte {
	b := []byte{0, 0, 0, 12, 0x41, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	return b
}

// ReadAt reads the file.
func (m media) ReadAt(_ context.Context, p []byte, off int64) (int, error) {
	return bytes.NewReader(m.file).ReadAt(p, off)
}

// TestFindTiles: segments that tile a movie have each of its frames once, in order, whatever its groups of pictures are like and
// whichever pictures are listed as such at which decoding can begin; and each begins where its first fragment does.
func TestFindTiles(t *testing.T) {
	random := rand.New(rand.NewPCG(16, 1))
	sparse := func(f, k int) bool { return f == 0 && k == 0 }
	crowded := func(f, k int) bool { return k%5 == 0 }
	all := func(f, k int) bool { return true }
	for name, s := range map[string]shape{
		"in order":                    {fragments: 30, lead: -1},
		"with sound":                  {fragments: 30},
		"reordered":                   {fragments: 30, reordered: true},
		"open groups":                 {fragments: 30, reordered: true, open: true},
		"sound leads":                 {fragments: 30, lead: 93 * time.Millisecond},
		"sound leads, reordered":      {fragments: 30, lead: 93 * time.Millisecond, reordered: true},
		"one sync sample":             {fragments: 30, syncs: sparse},
		"one sync sample, open":       {fragments: 30, syncs: sparse, reordered: true, open: true},
		"many sync samples":           {fragments: 30, syncs: crowded},
		"sync samples only":           {fragments: 30, syncs: all},
		"sync samples only, of leads": {fragments: 30, syncs: all, lead: 93 * time.Millisecond},
	} {
		m := s.make(t)
		m.vague = name == "sync samples only, of leads"
		for range 20 {
			m.tiles(t, name, random)
		}
	}
}

// tiles cuts the media at fragments by chance and looks at each piece.
func (m media) tiles(t *testing.T, name string, random *rand.Rand) {
	t.Helper()
	next, picture, sounds := 0, 0, 0
	for next < len(m.starts) {
		from := next
		next = min(len(m.starts), next+1+random.IntN(5))
		span := archive.Span{Start: m.starts[from], End: m.starts[len(m.starts)-1].Add(time.Second)}
		pictures, sound := len(m.starts)*group, m.allSounds()
		if next < len(m.starts) {
			span.End = m.starts[next]
			pictures = m.pictures[next]
			if m.sounds != nil {
				sound = m.sounds[next]
			}
		}
		frames, err := segment.Find(m.movie, m.points, m.starts, span)
		if err != nil {
			t.Fatalf("%s: %s: %v", name, span, err)
		}
		if m.vague && frames.End > frames.First && next < len(m.starts) {
			pictures = frames.End
		}
		if frames.First != picture || frames.End != pictures {
			t.Fatalf("%s: %s: pictures %d to %d, want %d to %d", name, span, frames.First, frames.End, picture, pictures)
		}
		if off := m.points[0].At.Add(frames.Begin).Sub(m.starts[from]).Abs(); off > 80*time.Millisecond || m.sounds != nil && !m.vague && from > 0 && off > time.Millisecond {
			t.Fatalf("%s: %s begins %s beside its fragment", name, span, off)
		}
		if got := m.soundIn(t, frames); !m.vague && !slices.Equal(got, numbersFrom(sounds, sound)) {
			t.Fatalf("%s: %s: sound %v, want %d to %d", name, span, got, sounds, sound)
		}
		picture, sounds = pictures, sound
	}
}

func (m media) allSounds() int {
	if m.sounds == nil {
		return 0
	}
	return len(m.starts) * group * picture / sound
}

// numbersFrom gives the numbers from one up to another.
func numbersFrom(from, to int) []int {
	var all []int
	for ; from < to; from++ {
		all = append(all, from)
	}
	return all
}

// soundIn gives the numbers of the frames of sound that a segment has, in order.
func (m media) soundIn(t *testing.T, frames segment.Frames) []int {
	t.Helper()
	plan, err := segment.Plan(m.movie, frames, segment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, plan.Size())
	if _, err := plan.Reader(m).ReadAt(t.Context(), b, 0); err != nil {
		t.Fatal(err)
	}
	var got []int
	for at := 0; at < len(b); at += ts.PacketSize {
		p := b[at : at+ts.PacketSize]
		if p[1]&0x40 != 0 && int(p[1]&0x1f)<<8|int(p[2]) == 0x101 {
			got = append(got, int(binary.BigEndian.Uint64(p[len(p)-8:]))-1_000_000)
		}
	}
	return got
}

// TestFindNothing: what has no frames of a span is no segment.
func TestFindNothing(t *testing.T) {
	m := shape{fragments: 3, lead: -1}.make(t)
	for _, span := range []archive.Span{
		archive.NewSpan(begins().Add(-time.Minute), time.Second), archive.NewSpan(begins().Add(time.Minute), time.Second),
		archive.NewSpan(begins().Add(100*time.Millisecond), 200*time.Millisecond),
	} {
		if frames, err := segment.Find(m.movie, m.points, m.starts, span); err == nil {
			t.Errorf("%s has %+v", span, frames)
		}
	}
	if _, err := segment.Find(m.movie, m.points, nil, archive.NewSpan(begins(), time.Second)); err == nil {
		t.Error("a movie of no fragments has a segment")
	}
}

// TestSilence: a segment without sound gets silent frames for all of its length where the stream has sound at other times, and no others.
func TestSilence(t *testing.T) {
	other, err := ts.NewSound([]byte{0x14, 0x08})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		lead    time.Duration
		silence *ts.Sound
		want    int
	}{{-1, nil, 0}, {-1, other, 46}, {0, nil, 45}, {0, other, 45}} { // 3 s of 1024 samples at 16 kHz are 46.9 frames
		m := shape{fragments: 3, lead: test.lead}.make(t)
		frames, err := segment.All(m.movie)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := segment.Plan(m.movie, frames, segment.Options{Silence: test.silence, Length: 3 * time.Second, PTS: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, plan.Size())
		if _, err := plan.Reader(m).ReadAt(t.Context(), b, 0); err != nil {
			t.Fatal(err)
		}
		got := 0
		for at := 0; at < len(b); at += ts.PacketSize {
			if b[at+1]&0x40 != 0 && int(b[at+1]&0x1f)<<8|int(b[at+2]) == 0x101 {
				got++
			}
		}
		if got < test.want || got > test.want+1 {
			t.Errorf("lead %s, silence %v: %d frames of sound, want %d", test.lead, test.silence, got, test.want)
		}
	}
}

// TestCoding: codings differ where a player needs to be told.
func TestCoding(t *testing.T) {
	of := func(s shape) segment.Coding {
		c, _, err := segment.CodingOf(s.make(t).movie, segment.Frames{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	silent, loud := of(shape{fragments: 1, lead: -1}), of(shape{fragments: 1})
	if silent == loud || silent.Video != "H.264" || silent.Parameters != loud.Parameters || silent.Sound != "" || loud.Sound == "" || loud.LeftOut != "" {
		t.Errorf("%+v and %+v", silent, loud)
	}
	if again := of(shape{fragments: 2}); again != loud {
		t.Errorf("%+v, then %+v", loud, again)
	}
}
