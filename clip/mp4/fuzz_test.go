package mp4_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"clipfs/clip/mp4"
	"clipfs/clip/mp4/mp4test"
)

// FuzzParseMovie checks that no bytes make the reader panic or run on, and that what is read keeps its promises.
func FuzzParseMovie(f *testing.F) {
	for _, s := range mp4test.Seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, moov []byte) {
		before := bytes.Clone(moov)
		m, err := mp4.ParseMovie(moov)
		if !bytes.Equal(before, moov) {
			t.Fatal("reading changed the bytes")
		}
		if err != nil {
			if !errors.Is(err, mp4.ErrMalformed) || errors.Is(err, mp4.ErrShort) {
				t.Fatalf("error %v", err)
			}
			return
		}
		for _, track := range m.Tracks {
			for _, e := range track.Entries {
				_, _ = e.AudioSpecificConfig() // must not panic; what it says of rubbish is its own affair
			}
			checkTrack(t, track)
		}
		_, _ = m.MediaEnd() // must not panic or run on
	})
}

// checkTrack checks that samples and chunks tell the same, as far as that can be looked at.
func checkTrack(t *testing.T, track *mp4.Track) {
	t.Helper()
	const most = 10_000
	var chunks []mp4.Chunk
	var fault error
	for c, err := range track.Chunks() {
		if err != nil {
			fault = err
			break
		}
		if c.Samples == 0 || c.Size < 0 || c.Position < 0 || c.Position+c.Size < 0 || c.Entry >= len(track.Entries) {
			t.Fatalf("chunk %+v", c)
		}
		chunks = append(chunks, c)
	}
	if wrong := track.Check(); wrong != nil && len(chunks) > 0 {
		t.Fatalf("chunks of tables that are refused: %v", wrong)
	}
	seen, k, inChunk := uint32(0), 0, mp4.Chunk{}
	for s, err := range track.Samples() {
		if seen++; seen > most {
			return
		}
		if err != nil {
			if fault == nil || !errors.Is(err, mp4.ErrMalformed) {
				t.Fatalf("samples fail with %v, chunks with %v", err, fault)
			}
			return
		}
		if inChunk.Samples == 0 {
			inChunk = chunks[k]
			k++
		}
		if s.Position != inChunk.Position || s.DTS != inChunk.DTS || s.Entry != inChunk.Entry {
			t.Fatalf("sample %+v where %+v goes on", s, inChunk)
		}
		inChunk.Position += int64(s.Size)
		inChunk.Size -= int64(s.Size)
		inChunk.DTS += int64(s.Duration)
		if inChunk.Samples--; inChunk.Samples == 0 && inChunk.Size != 0 {
			t.Fatalf("chunk %d: sizes of samples and chunk differ by %d", k, inChunk.Size)
		}
	}
	if fault == nil && seen != track.Sizes.Len() {
		t.Fatalf("%d samples of %d", seen, track.Sizes.Len())
	}
}

// FuzzSetTimes checks that setting times changes times only and all of them, or nothing.
func FuzzSetTimes(f *testing.F) {
	for _, s := range mp4test.Seeds(f) {
		f.Add(s, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, moov []byte, unix int64) {
		before := bytes.Clone(moov)
		at := time.Unix(unix, 0).UTC()
		if err := mp4.SetTimes(moov, at); err != nil {
			if !errors.Is(err, mp4.ErrMalformed) || !bytes.Equal(moov, before) {
				t.Fatalf("error %v, bytes changed %t", err, !bytes.Equal(moov, before))
			}
			return
		}
		was, errWas := mp4.ParseMovie(before)
		is, errIs := mp4.ParseMovie(moov)
		if (errWas == nil) != (errIs == nil) {
			t.Fatalf("parses with %v, before with %v", errIs, errWas)
		}
		if errIs != nil {
			return
		}
		if len(was.Tracks) != len(is.Tracks) || was.Duration != is.Duration || !is.Modified.Equal(is.Created) {
			t.Fatalf("movie %+v, before %+v", is, was)
		}
		for i, track := range is.Tracks {
			old := was.Tracks[i]
			if !track.Created.Equal(is.Created) || !track.Modified.Equal(is.Created) {
				t.Fatalf("track %d: times %v, %v, want %v", i, track.Created, track.Modified, is.Created)
			}
			if track.Duration != old.Duration || track.ID != old.ID || track.MediaDuration != old.MediaDuration {
				t.Fatalf("track %+v, before %+v", track, old)
			}
		}
	})
}

// FuzzScanner checks that a copy made box by box is the stream, whatever the stream and its pieces.
func FuzzScanner(f *testing.F) {
	f.Add(mp4test.Build(f, mp4test.Small(mp4test.Fixed())), false)
	last := mp4test.Small(mp4test.Fixed())
	last.MoovLast = true
	f.Add(mp4test.Build(f, last), true)
	f.Add([]byte(mp4test.Box("ftyp", "isom")+large("free", "pad")+open("mdat", "media")), false)
	f.Add([]byte(mp4test.Box("wide", "")+"\x00\x00\x00\x01mdat\x7f\xff\xff\xff\xff\xff\xff\xffmedia"), true)
	f.Fuzz(func(t *testing.T, stream []byte, slow bool) {
		var r io.Reader = bytes.NewReader(stream)
		if slow {
			r = iotest.OneByteReader(r)
		}
		s := mp4.NewScanner(r)
		var copied bytes.Buffer
		var at int64
		for {
			b, err := s.Next()
			if err != nil {
				checkScanEnd(t, s, err, &copied, stream)
				return
			}
			if b.Position != at || at != int64(copied.Len()) {
				t.Fatalf("box at %d, the last ended at %d, copied %d", b.Position, at, copied.Len())
			}
			at = b.End()
			if end, ok := s.End(); ok && end < b.Position && b.Type == mp4.TypeMoov {
				t.Fatalf("movie ends at %d before its header at %d", end, b.Position)
			}
			if b.Type == mp4.TypeMoov {
				moov, err := mp4.ReadMoov(b)
				if err == nil {
					copied.Write(moov)
					at = int64(copied.Len())
					continue
				}
				if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, mp4.ErrTooBig) {
					t.Fatal(err)
				}
				return
			}
			copied.Write(b.Raw)
			_, err = io.Copy(&copied, b.Payload)
			if at < 0 {
				at = int64(copied.Len())
			}
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
		}
	})
}

// checkScanEnd checks how a scan of a stream in memory ends: nothing is lost.
func checkScanEnd(t *testing.T, s *mp4.Scanner, err error, copied *bytes.Buffer, stream []byte) {
	t.Helper()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, mp4.ErrNotMP4),
		errors.Is(err, mp4.ErrMalformed):
	default:
		t.Fatal(err)
	}
	if errors.Is(err, mp4.ErrNotMP4) && copied.Len() > 0 {
		t.Fatalf("%v after %d bytes", err, copied.Len())
	}
	if _, err := io.Copy(copied, s.Rest()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(copied.Bytes(), stream) {
		t.Fatalf("boxes and rest are %d bytes, the stream %d", copied.Len(), len(stream))
	}
}
