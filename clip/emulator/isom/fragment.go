package isom

import "encoding/binary"

// Flags of tfhd, trun and samples (8.8.7, 8.8.8, 8.8.3.1).
const (
	tfhdBaseIsMoof  = 0x020000
	trunAll         = 0x000f01 // data offset; duration, size, flags and offset of each sample
	sampleSync      = 0x02000000
	sampleDependent = 0x01010000
)

// NewInit makes the head of a file in movie fragments: ftyp, and a moov of the tracks, which have no samples in it. ErrPlan as of
// NewWriter.
func NewInit(tracks ...OutputTrack) ([]byte, error) {
	p, err := newPlan(&Output{Timescale: 1000, Tracks: tracks})
	if err != nil {
		return nil, err
	}
	ids := make([]uint32, len(tracks))
	for i := range ids {
		ids[i] = uint32(i + 1)
	}
	moov := p.moov(0)
	return append(Make("ftyp", []byte("iso6\x00\x00\x00\x00iso6iso5isommp41")), Make("moov", moov[8:], Mvex(ids...))...), nil
}

// Mvex makes the box that says that some tracks have samples in movie fragments (8.8.1).
func Mvex(ids ...uint32) []byte {
	var all [][]byte
	for _, id := range ids {
		all = append(all, Make("trex", Words(0, id, 1, 0, 0, 0)))
	}
	return Make("mvex", all...)
}

// Run is the samples of a track in a movie fragment.
type Run struct {
	ID      uint32
	Samples []Sample
}

// NewFragment makes a movie fragment up to its media: moof and the header of mdat. The samples lie one behind the other there, run by run;
// the first DTS of a run is where it stands in the movie, and places and chunks are not looked at.
func NewFragment(sequence uint32, runs ...Run) []byte {
	var media uint32
	moof := func(base uint32) []byte {
		media = 0
		parts := [][]byte{Make("mfhd", Words(0, sequence))}
		for _, r := range runs {
			if len(r.Samples) == 0 {
				continue
			}
			trun := Words(1<<24|trunAll, uint32(len(r.Samples)), base+media)
			for _, s := range r.Samples {
				flags := uint32(sampleDependent)
				if s.Sync {
					flags = sampleSync
				}
				trun = append(trun, Words(s.Duration, s.Size, flags, uint32(s.Offset))...)
				media += s.Size
			}
			tfdt := binary.BigEndian.AppendUint64(Words(1<<24), uint64(r.Samples[0].DTS))
			parts = append(parts, Make("traf", Make("tfhd", Words(tfhdBaseIsMoof, r.ID)), Make("tfdt", tfdt), Make("trun", trun)))
		}
		return Make("moof", parts...)
	}
	head := moof(uint32(len(moof(0)) + 8))
	return append(append(head, Words(8+media)...), "mdat"...)
}
