package emulator

import (
	"encoding/json"
	"io"
	"net/http"

	"clipfs/clip/emulator/form"
)

// writeJSON answers an /_emulator/ request.
func (s *Server) writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.log.Debug("answer not written", "err", err)
	}
}

// writeCalls answers GET /_emulator/calls.
func (s *Server) writeCalls(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, struct {
		Calls []CallCount `json:"calls"`
	}{s.calls.list()})
}

// resetCalls answers POST /_emulator/reset.
func (s *Server) resetCalls(w http.ResponseWriter, _ *http.Request) {
	s.calls.reset()
	w.WriteHeader(http.StatusNoContent)
}

// maxForms is the longest list of forms that is taken, in bytes.
const maxForms = 4 << 10

// getForms answers GET /_emulator/payload.
func (s *Server) getForms(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, struct {
		Payload string `json:"payload"`
	}{s.PayloadForms().String()})
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
