package mp4

import "fmt"

// FourCC is a four-character code: a box type, handler, brand or coding name, big-endian as in the file.
type FourCC uint32

// Box types at the top of a file (ISO/IEC 14496-12 table 1).
const (
	TypeFtyp FourCC = 'f'<<24 | 't'<<16 | 'y'<<8 | 'p'
	TypeStyp FourCC = 's'<<24 | 't'<<16 | 'y'<<8 | 'p'
	TypeMoov FourCC = 'm'<<24 | 'o'<<16 | 'o'<<8 | 'v'
	TypeMoof FourCC = 'm'<<24 | 'o'<<16 | 'o'<<8 | 'f'
	TypeMdat FourCC = 'm'<<24 | 'd'<<16 | 'a'<<8 | 't'
	TypeFree FourCC = 'f'<<24 | 'r'<<16 | 'e'<<8 | 'e'
	TypeSkip FourCC = 's'<<24 | 'k'<<16 | 'i'<<8 | 'p'
	TypeWide FourCC = 'w'<<24 | 'i'<<16 | 'd'<<8 | 'e'
	TypeUUID FourCC = 'u'<<24 | 'u'<<16 | 'i'<<8 | 'd'
	TypeMeta FourCC = 'm'<<24 | 'e'<<16 | 't'<<8 | 'a'
	TypePdin FourCC = 'p'<<24 | 'd'<<16 | 'i'<<8 | 'n'
	TypeSidx FourCC = 's'<<24 | 'i'<<16 | 'd'<<8 | 'x'
)

// Box types inside moov (ISO/IEC 14496-12 table 1; esds: ISO/IEC 14496-14 5.6; avcC, hvcC: ISO/IEC 14496-15).
const (
	TypeMvhd FourCC = 'm'<<24 | 'v'<<16 | 'h'<<8 | 'd'
	TypeMvex FourCC = 'm'<<24 | 'v'<<16 | 'e'<<8 | 'x'
	TypeTrak FourCC = 't'<<24 | 'r'<<16 | 'a'<<8 | 'k'
	TypeTkhd FourCC = 't'<<24 | 'k'<<16 | 'h'<<8 | 'd'
	TypeEdts FourCC = 'e'<<24 | 'd'<<16 | 't'<<8 | 's'
	TypeElst FourCC = 'e'<<24 | 'l'<<16 | 's'<<8 | 't'
	TypeMdia FourCC = 'm'<<24 | 'd'<<16 | 'i'<<8 | 'a'
	TypeMdhd FourCC = 'm'<<24 | 'd'<<16 | 'h'<<8 | 'd'
	TypeHdlr FourCC = 'h'<<24 | 'd'<<16 | 'l'<<8 | 'r'
	TypeMinf FourCC = 'm'<<24 | 'i'<<16 | 'n'<<8 | 'f'
	TypeVmhd FourCC = 'v'<<24 | 'm'<<16 | 'h'<<8 | 'd'
	TypeSmhd FourCC = 's'<<24 | 'm'<<16 | 'h'<<8 | 'd'
	TypeDinf FourCC = 'd'<<24 | 'i'<<16 | 'n'<<8 | 'f'
	TypeDref FourCC = 'd'<<24 | 'r'<<16 | 'e'<<8 | 'f'
	TypeURL  FourCC = 'u'<<24 | 'r'<<16 | 'l'<<8 | ' '
	TypeStbl FourCC = 's'<<24 | 't'<<16 | 'b'<<8 | 'l'
	TypeStsd FourCC = 's'<<24 | 't'<<16 | 's'<<8 | 'd'
	TypeStts FourCC = 's'<<24 | 't'<<16 | 't'<<8 | 's'
	TypeCtts FourCC = 'c'<<24 | 't'<<16 | 't'<<8 | 's'
	TypeStss FourCC = 's'<<24 | 't'<<16 | 's'<<8 | 's'
	TypeStsz FourCC = 's'<<24 | 't'<<16 | 's'<<8 | 'z'
	TypeStz2 FourCC = 's'<<24 | 't'<<16 | 'z'<<8 | '2'
	TypeStsc FourCC = 's'<<24 | 't'<<16 | 's'<<8 | 'c'
	TypeStco FourCC = 's'<<24 | 't'<<16 | 'c'<<8 | 'o'
	TypeCo64 FourCC = 'c'<<24 | 'o'<<16 | '6'<<8 | '4'
	TypeAvcC FourCC = 'a'<<24 | 'v'<<16 | 'c'<<8 | 'C'
	TypeHvcC FourCC = 'h'<<24 | 'v'<<16 | 'c'<<8 | 'C'
	TypeEsds FourCC = 'e'<<24 | 's'<<16 | 'd'<<8 | 's'
	TypeWave FourCC = 'w'<<24 | 'a'<<16 | 'v'<<8 | 'e'
)

// Coding names: the types of sample entries.
const (
	CodingAVC1 FourCC = 'a'<<24 | 'v'<<16 | 'c'<<8 | '1'
	CodingAVC3 FourCC = 'a'<<24 | 'v'<<16 | 'c'<<8 | '3'
	CodingHVC1 FourCC = 'h'<<24 | 'v'<<16 | 'c'<<8 | '1'
	CodingHEV1 FourCC = 'h'<<24 | 'e'<<16 | 'v'<<8 | '1'
	CodingMP4A FourCC = 'm'<<24 | 'p'<<16 | '4'<<8 | 'a'
	CodingALaw FourCC = 'a'<<24 | 'l'<<16 | 'a'<<8 | 'w'
	CodingULaw FourCC = 'u'<<24 | 'l'<<16 | 'a'<<8 | 'w'
)

// Handlers: what the samples of a track are (ISO/IEC 14496-12 8.4.3).
const (
	HandlerVideo FourCC = 'v'<<24 | 'i'<<16 | 'd'<<8 | 'e'
	HandlerSound FourCC = 's'<<24 | 'o'<<16 | 'u'<<8 | 'n'
)

// String gives the four characters; bytes that are not printable ASCII are shown as \xNN.
func (f FourCC) String() string {
	out := make([]byte, 0, 4)
	for shift := 24; shift >= 0; shift -= 8 {
		c := byte(f >> shift)
		if c < ' ' || c > '~' {
			out = fmt.Appendf(out, `\x%02x`, c)
			continue
		}
		out = append(out, c)
	}
	return string(out)
}
