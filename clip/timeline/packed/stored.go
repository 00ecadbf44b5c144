package packed

import (
	"time"

	"clipfs/clip/archive"
)

// Stored is a list as it stands in JSON.
type Stored struct {
	// Fragments has those that cannot be packed, and those of files of before there was Packed.
	Fragments []Plain `json:"fragments,omitempty"`
	Packed    []byte  `json:"packed,omitempty"`
}

// Plain is a fragment that is not packed; times are milliseconds since 1970.
type Plain struct {
	ID       archive.FragmentID `json:"id"`
	Producer int64              `json:"p"`
	Server   int64              `json:"s"`
	Length   int64              `json:"l"`
	Size     int64              `json:"n"`
}

// Stored gives the list as it stands in JSON: packed where its numbers can be.
func (l List) Stored() (s Stored) {
	if l.packed != nil {
		return Stored{Packed: l.packed}
	}
	if Able(l.fragments) {
		return Stored{Packed: Pack(l.fragments)}
	}
	for _, f := range l.fragments {
		s.Fragments = append(s.Fragments, Plain{f.ID, f.Producer.UnixMilli(), f.Server.UnixMilli(), f.Length.Milliseconds(), f.Size})
	}
	return s
}

// List gives what was stored, at most so many fragments; ErrImpossible where that is nothing that an archive could have listed.
func (s Stored) List(most int) (List, error) {
	l, err := Read(s.Packed, most)
	if err != nil || len(s.Fragments) == 0 {
		return l, err
	}
	all := l.AppendTo(nil)
	for _, p := range s.Fragments {
		f := archive.Fragment{
			ID: p.ID, Producer: time.UnixMilli(p.Producer).UTC(), Server: time.UnixMilli(p.Server).UTC(),
			Length: time.Duration(p.Length) * time.Millisecond, Size: p.Size,
		}
		if p.Length < 0 || p.Length > archive.MaxSpan.Milliseconds() || !Possible(f) || len(all) == most {
			return List{}, ErrImpossible
		}
		all = append(all, f)
	}
	return Of(all), nil
}
