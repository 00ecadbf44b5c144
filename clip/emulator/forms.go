package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/form"
)

// oddForms is the forms of the payloads that are made from now on.
type oddForms struct{ set atomic.Pointer[form.Set] }

// get gives the forms.
func (o *oddForms) get() form.Set {
	if set := o.set.Load(); set != nil {
		return *set
	}
	return nil
}

// PayloadForms gives the ways in which payloads are odd now.
func (s *Server) PayloadForms() form.Set { return s.forms.get() }

// SetPayloadForms makes the payloads of later calls odd in these ways and no others.
func (s *Server) SetPayloadForms(set form.Set) { s.forms.set.Store(&set) }

// maxForms is the longest list of forms that is taken, in bytes.
const maxForms = 4 << 10

// getForms answers GET /_emulator/payload.
func (s *Server) getForms(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body := struct {
		Payload string `json:"payload"`
	}{s.PayloadForms().String()}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.log.Debug("forms not written", "err", err)
	}
}

// postForms answers POST /_emulator/payload: FORM[,FORM…], or nothing for plain payloads.
func (s *Server) postForms(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForms))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	set, err := form.Parse(string(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.SetPayloadForms(set)
	s.getForms(w, r)
}

// oddFragments gives the fragments of a clip as its forms have them, and the one after those that were asked for where a
// form needs that.
func oddFragments(st stream, fragments []footage.Fragment, forms form.Set, now time.Time) (_ []footage.Fragment, next *footage.Fragment) {
	first, last := fragments[0], fragments[len(fragments)-1]
	if forms.Has(form.Fewer) && len(fragments) > 1 {
		fragments = fragments[:len(fragments)-1]
	}
	around := func(from, to time.Time) []footage.Fragment {
		return oldestOnly(visible(st, selection{by: footage.ByProducer, start: from, end: to}, now))
	}
	if forms.Has(form.Before) {
		if all := around(first.Producer.Add(-2*longestFragment), first.Producer.Add(-time.Millisecond)); len(all) > 0 {
			fragments = append([]footage.Fragment{all[len(all)-1]}, fragments...)
		}
	}
	if !forms.Has(form.After) && !forms.Has(form.Joint) {
		return fragments, nil
	}
	if all := around(last.Producer.Add(time.Millisecond), last.Producer.Add(2*longestFragment)); len(all) > 0 {
		next = &all[0]
		if forms.Has(form.After) {
			fragments = append(fragments[:len(fragments):len(fragments)], all[0])
			if next = nil; len(all) > 1 {
				next = &all[1]
			}
		}
	}
	return fragments, next
}
