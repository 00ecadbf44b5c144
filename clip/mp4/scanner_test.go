package mp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/mp4test"
)

// large makes a box with a 64-bit size.
func large(kind string, body string) string {
	size := binary.BigEndian.AppendUint64(nil, uint64(16+len(body)))
	return "\x00\x00\x00\x01" + kind + string(size) + body
}

// open makes a box that goes on to the end of the file.
func open(kind string, body string) string { return "\x00\x00\x00\x00" + kind + body }

func TestParseBoxHeader(t *testing.T) {
	for _, c := range []struct {
		name, give string
		want       mp4.BoxHeader
		err        error
	}{
		{"plain", mp4test.Box("free", "abc"), mp4.BoxHeader{Type: mp4.TypeFree, Size: 11, HeaderSize: 8}, nil},
		{"empty", mp4test.Box("free", ""), mp4.BoxHeader{Type: mp4.TypeFree, Size: 8, HeaderSize: 8}, nil},
		{"to the end", open("mdat", "x"), mp4.BoxHeader{Type: mp4.TypeMdat, Size: 0, HeaderSize: 8}, nil},
		{"64 bits", large("mdat", "x"), mp4.BoxHeader{Type: mp4.TypeMdat, Size: 17, HeaderSize: 16}, nil},
		{"body not there", "\x7f\xff\xff\xffmdat", mp4.BoxHeader{Type: mp4.TypeMdat, Size: 1<<31 - 1, HeaderSize: 8}, nil},
		{"nothing", "", mp4.BoxHeader{}, mp4.ErrShort},
		{"seven bytes", "\x00\x00\x00\x08fre", mp4.BoxHeader{}, mp4.ErrShort},
		{"64 bits cut", large("mdat", "")[:15], mp4.BoxHeader{}, mp4.ErrShort},
		{"size 7", "\x00\x00\x00\x07free", mp4.BoxHeader{}, mp4.ErrMalformed},
		{"64-bit size 15", "\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x0f", mp4.BoxHeader{}, mp4.ErrMalformed},
		{"64-bit size 0", "\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x00", mp4.BoxHeader{}, mp4.ErrMalformed},
		{"63 bits", "\x00\x00\x00\x01mdat\x80\x00\x00\x00\x00\x00\x00\x00", mp4.BoxHeader{}, mp4.ErrMalformed},
		{"padding", "\x00\x00\x00\x00\x00\x00\x00\x00", mp4.BoxHeader{}, mp4.ErrMalformed},
	} {
		got, err := mp4.ParseBoxHeader([]byte(c.give))
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: got %+v, %v, want %+v, %v", c.name, got, err, c.want, c.err)
		}
	}
}

func TestChildren(t *testing.T) {
	for _, c := range []struct {
		name, give, want string
		fails            bool
	}{
		{"two", mp4test.Box("free", "ab") + large("skip", "c"), "free:ab skip:c", false},
		{"none", "", "", false},
		{"last to the end", mp4test.Box("free", "") + open("skip", "xyz"), "free: skip:xyz", false},
		{"terminator", mp4test.Box("free", "a") + "\x00\x00\x00\x00", "free:a", false},
		{"too long", mp4test.Box("free", "a") + "\x00\x00\x00\x0askipx", "free:a", true},
		{"rubbish", mp4test.Box("free", "a") + "abc", "free:a", true},
	} {
		var got []string
		var fault error
		for b, err := range mp4.Children([]byte(c.give)) {
			if fault = err; err == nil {
				got = append(got, fmt.Sprintf("%s:%s", b.Type, b.Body))
			}
		}
		if s := strings.Join(got, " "); s != c.want || errors.Is(fault, mp4.ErrMalformed) != c.fails {
			t.Errorf("%s: got %q, %v, want %q, fails %t", c.name, s, fault, c.want, c.fails)
		}
		if errors.Is(fault, mp4.ErrShort) {
			t.Errorf("%s: %v: more bytes will not come", c.name, fault)
		}
	}
}

func TestScanner(t *testing.T) {
	ftyp, moov, mdat := mp4test.Box("ftyp", "isom\x00\x00\x02\x00"), mp4test.Box("moov", "headers"), mp4test.Box("mdat", "media")
	for _, c := range []struct {
		name, give string
		// boxes as type@position:size:body, then the size known once the header of which box had come.
		boxes, end string
		err        error
	}{
		{"moov first", ftyp + moov + mdat, "ftyp@0:16 moov@16:15 mdat@31:13", "mdat 44", io.EOF},
		{"moov last", ftyp + mdat + moov, "ftyp@0:16 mdat@16:13 moov@29:15", "moov 44", io.EOF},
		{"mdat open", ftyp + moov + open("mdat", "media"), "ftyp@0:16 moov@16:15 mdat@31:0", "", io.EOF},
		{"64 bits", ftyp + moov + large("mdat", "media"), "ftyp@0:16 moov@16:15 mdat@31:21", "mdat 52", io.EOF},
		{"others between", ftyp + mp4test.Box("wide", "") + mp4test.Box("free", "pad") + moov + mp4test.Box("uuid", "0123456789abcdef") + mdat,
			"ftyp@0:16 wide@16:8 free@24:11 moov@35:15 uuid@50:24 mdat@74:13", "mdat 87", io.EOF},
		{"others behind", ftyp + moov + mdat + mp4test.Box("free", "pad") + mp4test.Box("mdat", "more"),
			"ftyp@0:16 moov@16:15 mdat@31:13 free@44:11 mdat@55:12", "mdat 44", io.EOF},
		{"unknown types", moov + mdat + mp4test.Box("\xa9xyz", ""), "moov@0:15 mdat@15:13 \\xa9xyz@28:8", "mdat 28", io.EOF},
		{"cut in mdat", ftyp + moov + mdat[:10], "ftyp@0:16 moov@16:15 mdat@31:13", "mdat 44", io.ErrUnexpectedEOF},
		{"cut in a header", ftyp + moov + mdat[:5], "ftyp@0:16 moov@16:15", "", io.ErrUnexpectedEOF},
		{"cut in a 64-bit header", ftyp + large("mdat", "")[:8], "ftyp@0:16", "", io.ErrUnexpectedEOF},
		{"nothing", "", "", "", io.EOF},
		{"three bytes", "abc", "", "", mp4.ErrNotMP4},
		{"matroska", "\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x23", "", "", mp4.ErrNotMP4},
		{"text", "<html><body>no</body></html>", "", "", mp4.ErrNotMP4},
		{"zeros", strings.Repeat("\x00", 40), "", "", mp4.ErrNotMP4},
		{"impossible size", "\x00\x00\x00\x05ftyp", "", "", mp4.ErrNotMP4},
		{"padding behind", ftyp + moov + mdat + strings.Repeat("\x00", 9), "ftyp@0:16 moov@16:15 mdat@31:13", "mdat 44",
			mp4.ErrMalformed},
	} {
		for _, chunked := range []func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
		} {
			s := mp4.NewScanner(chunked(strings.NewReader(c.give)))
			boxes, end, copied, err := scan(s)
			if boxes != c.boxes || end != c.end || !errors.Is(err, c.err) {
				t.Errorf("%s: got %q, end %q, %v\nwant %q, end %q, %v", c.name, boxes, end, err, c.boxes, c.end, c.err)
			}
			rest, err := io.ReadAll(s.Rest())
			if err != nil {
				t.Errorf("%s: rest: %v", c.name, err)
			}
			if got := copied + string(rest); got != c.give {
				t.Errorf("%s: boxes and rest are %q, want %q", c.name, got, c.give)
			}
			if _, again := s.Next(); !errors.Is(again, c.err) {
				t.Errorf("%s: Next again: got %v, want %v", c.name, again, c.err)
			}
		}
	}
}

// scan walks a stream to its end: the boxes, at which of them the size was known, the bytes as a consumer copies them.
func scan(s *mp4.Scanner) (boxes, end, copied string, err error) {
	var list []string
	var all strings.Builder
	for {
		b, err := s.Next()
		if err != nil {
			return strings.Join(list, " "), end, all.String(), err
		}
		list = append(list, fmt.Sprintf("%s@%d:%d", b.Type, b.Position, b.Size))
		if size, ok := s.End(); ok && end == "" {
			end = fmt.Sprintf("%s %d", b.Type, size)
		}
		all.Write(b.Raw)
		if _, err := io.Copy(&all, b.Payload); err != nil {
			return strings.Join(list, " "), end, all.String(), err
		}
	}
}

// TestScannerSkips checks that Next passes over what a consumer did not read, and that a payload is dead after it.
func TestScannerSkips(t *testing.T) {
	s := mp4.NewScanner(strings.NewReader(mp4test.Box("ftyp", "12345678") + mp4test.Box("free", "abcdef") + mp4test.Box("mdat", "x")))
	first, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, first.Payload, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if n, err := first.Payload.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("reading a payload that was passed: got %d, %v, want an end or an error", n, err)
	}
	third, err := s.Next()
	if err != nil || third.Type != mp4.TypeMdat || third.Position != 30 {
		t.Errorf("got %+v, %v, want mdat at 30", third, err)
	}
	if got, want := third.End(), int64(39); got != want {
		t.Errorf("end %d, want %d", got, want)
	}
}

// TestScannerError checks that an error of the stream comes out as it is: a connection that was cut in the first bytes
// does not make the payload another kind of file.
func TestScannerError(t *testing.T) {
	reset := errors.New("connection reset")
	for _, cut := range []error{reset, io.ErrUnexpectedEOF, fmt.Errorf("archive: %w", io.ErrUnexpectedEOF)} {
		for _, n := range []int{0, 4, 8, 12, 16, 20, 26} {
			whole := mp4test.Box("ftyp", "12345678") + mp4test.Box("mdat", "0123456789")
			s := mp4.NewScanner(io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(cut)))
			_, _, copied, err := scan(s)
			if !errors.Is(err, cut) || errors.Is(err, mp4.ErrNotMP4) || !strings.HasPrefix(whole, copied) {
				t.Errorf("cut after %d: got %v, want %v", n, err, cut)
			}
		}
	}
}

func TestReadMoov(t *testing.T) {
	t.Parallel()                         // it runs ffmpeg for the most part
	const claim = "\x0f\xff\xff\xffmoov" // 256 MiB less a byte, of which nothing comes
	for _, c := range []struct {
		name, give, want string
		err              error
	}{
		{"sized", mp4test.Box("moov", "abc") + "more", mp4test.Box("moov", "abc"), nil},
		{"open", open("moov", "abc"), open("moov", "abc"), nil},
		{"empty", mp4test.Box("moov", ""), mp4test.Box("moov", ""), nil},
		{"cut", mp4test.Box("moov", "abc")[:10], "", io.ErrUnexpectedEOF},
		{"claims much", claim + "abc", "", io.ErrUnexpectedEOF},
		{"too big", "\x10\x00\x00\x01moov", "", mp4.ErrTooBig},
		{"long", mp4test.Box("moov", strings.Repeat("x", 300_000)), mp4test.Box("moov", strings.Repeat("x", 300_000)), nil},
	} {
		b, err := mp4.NewScanner(strings.NewReader(c.give)).Next()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, err := mp4.ReadMoov(b)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: got %d bytes, %v, want %d, %v", c.name, len(got), err, len(c.want), c.err)
		}
	}
	// An open moov that goes on without end is given up at the bound.
	endless := io.MultiReader(strings.NewReader(open("moov", "")), zeros{})
	b, err := mp4.NewScanner(endless).Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mp4.ReadMoov(b); !errors.Is(err, mp4.ErrTooBig) {
		t.Errorf("endless: got %v, want %v", err, mp4.ErrTooBig)
	}
	// What is claimed costs nothing until it comes.
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b, err = mp4.NewScanner(strings.NewReader(claim + "abc")).Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mp4.ReadMoov(b); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("claims much: got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("claims much: %d bytes allocated for 11 that came", got)
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Payloads are passed on with other times: boxes are copied, only moov is held in memory.
func ExampleScanner() {
	footage := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	w, err := isom.NewWriter(mp4test.Small(footage.AddDate(1, 0, 0)))
	if err != nil {
		fmt.Println(err)
		return
	}
	var payload, file bytes.Buffer
	if _, err := w.WriteTo(&payload); err != nil {
		fmt.Println(err)
		return
	}

	s := mp4.NewScanner(&payload)
	for {
		b, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		end, known := s.End()
		fmt.Println(b.Type, b.Size, end, known)
		if b.Type != mp4.TypeMoov {
			file.Write(b.Raw)
			_, err = io.Copy(&file, b.Payload)
		} else {
			var moov []byte
			if moov, err = mp4.ReadMoov(b); err == nil {
				err = mp4.SetTimes(moov, footage)
			}
			file.Write(moov)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(file.Len(), "bytes passed on")
	// Output:
	// ftyp 32 -1 false
	// moov 1133 -1 false
	// mdat 1635 2800 true
	// 2800 bytes passed on
}
