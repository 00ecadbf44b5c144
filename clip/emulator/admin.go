package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/form"
)

// maxForms is the longest list of forms that is taken, in bytes, and the longest setting of the clock.
const maxForms = 4 << 10

// writeJSON answers an /_emulator/ request.
func (s *Server) writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.log.Debug("answer not written", "err", err)
	}
}

// telling answers an /_emulator/ request with what there is.
func (s *Server) telling(what func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { s.writeJSON(w, what()) }
}

// setting answers an /_emulator/ request with what set makes of its body, which is no longer than most bytes.
func (s *Server) setting(most int64, set func(body string) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var now any
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
		if err == nil {
			now, err = set(string(body))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.writeJSON(w, now)
	}
}

// tellCalls is what GET /_emulator/calls tells.
func (s *Server) tellCalls() any { return map[string]any{"calls": s.calls.List()} }

// Reset says what Server.Reset sets back, besides the counts.
type Reset struct {
	// Streams removes all streams and all that was recorded; those that were there from the start are there again, as they were
	// given, without what producers have sent.
	Streams bool
	// Faults puts the faults of the start into force and no others, Payload the forms of payloads, and Clock the machine's time.
	Faults, Payload, Clock bool
}

// Reset sets all counts to zero, and back to the start what it is told to.
func (s *Server) Reset(r Reset) error {
	var failed error
	if r.Clock {
		s.clock.Reset()
	}
	if r.Faults {
		s.faults.Clear()
		_, failed = s.AddFaults(s.options.Faults...)
	}
	if r.Payload {
		s.SetPayloadForms(s.options.Payload.Forms)
	}
	if r.Streams {
		failed = errors.Join(failed, s.streams.Reset())
	}
	s.calls.Reset() // last, so that what still came in for what is gone is not counted
	return failed
}

// readReset reads the query of POST /_emulator/reset.
func readReset(query url.Values) (Reset, error) {
	var r Reset
	known := map[string]*bool{"streams": &r.Streams, "faults": &r.Faults, "payload": &r.Payload, "clock": &r.Clock}
	for key, values := range query {
		set := known[key]
		if set == nil || !slices.Contains([]string{"0", "1"}, values[0]) {
			return Reset{}, fmt.Errorf("%s=%s: want streams=1, faults=1, payload=1 or clock=1", key, values[0])
		}
		*set = values[0] == "1"
	}
	return r, nil
}

// postReset answers POST /_emulator/reset.
func (s *Server) postReset(w http.ResponseWriter, r *http.Request) {
	reset, err := readReset(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := s.Reset(reset); err != nil {
		s.log.Error("not reset", "err", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Now is the service's time.
func (s *Server) Now() time.Time { return s.clock.Now() }

// SetNow sets the service's clock, which goes on from there, and removes what is no longer retained then. Signatures, connections
// and rates keep to the machine's.
func (s *Server) SetNow(at time.Time) error {
	if err := s.clock.Set(at); err != nil {
		return err
	}
	s.streams.ExpireNow()
	return nil
}

// tellClock is what GET /_emulator/clock tells.
func (s *Server) tellClock() any {
	return struct {
		Now   time.Time `json:"now"`
		Ahead string    `json:"ahead"`
	}{s.Now().UTC().Truncate(time.Millisecond), s.clock.Ahead().String()}
}

// setClock does what POST /_emulator/clock says: set=TIME or advance=DURATION.
func (s *Server) setClock(body string) (any, error) {
	at, err := s.readClock(strings.TrimSpace(body))
	if err == nil {
		err = s.SetNow(at)
	}
	return s.tellClock(), err
}

// readClock gives the time that a setting of the clock means.
func (s *Server) readClock(setting string) (time.Time, error) {
	key, value, _ := strings.Cut(setting, "=")
	switch key {
	case "set":
		if at, ok := footage.ParseStart(value); ok {
			return at, nil
		}
	case "advance":
		if by, err := time.ParseDuration(value); err == nil {
			return s.Now().Add(by), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: want set=2024-01-01T10:00:00Z or advance=2h", setting)
}

// resetClock does what DELETE /_emulator/clock says.
func (s *Server) resetClock() any {
	s.clock.Reset()
	return s.tellClock()
}

// tellForms is what GET /_emulator/payload tells.
func (s *Server) tellForms() any { return map[string]any{"payload": s.PayloadForms().String()} }

// setForms does what POST /_emulator/payload says: FORM[,FORM…], or nothing for plain payloads.
func (s *Server) setForms(body string) (any, error) {
	set, err := form.Parse(body)
	if err == nil {
		s.SetPayloadForms(set)
	}
	return s.tellForms(), err
}
