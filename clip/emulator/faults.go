package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/wire"
)

// maxRules is the largest list of faults that is taken at once, in bytes.
const maxRules = 64 << 10

// AddFaults puts rules into force, all or none. Errors wrap fault.ErrRule.
func (s *Server) AddFaults(rules ...fault.Rule) ([]fault.Set, error) {
	for _, r := range rules {
		if err := checkFault(r); err != nil {
			return nil, err
		}
	}
	added := make([]fault.Set, 0, len(rules))
	for _, r := range rules {
		set := s.faults.Add(r)
		if r.Kind == fault.Refuse && r.For > 0 {
			time.AfterFunc(r.For, func() { s.RemoveFault(set.ID) })
		}
		added = append(added, set)
	}
	s.turnDoors()
	return added, nil
}

// Faults gives the rules in force and what they have hit.
func (s *Server) Faults() []fault.Set { return s.faults.List() }

// RemoveFault takes a rule out of force, and reports whether it was there.
func (s *Server) RemoveFault(id fault.ID) bool {
	defer s.turnDoors()
	return s.faults.Remove(id)
}

// ClearFaults takes all rules out of force.
func (s *Server) ClearFaults() {
	s.faults.Clear()
	s.turnDoors()
}

// checkFault refuses a rule that cannot be in force here.
func checkFault(r fault.Rule) error {
	control, data := wire.ControlAPIs(), wire.DataAPIs()
	switch isControl := slices.Contains(control, wire.API(r.API)); {
	case r.API != "" && !isControl && !slices.Contains(data, wire.API(r.API)):
		return fmt.Errorf("%w %q: api: want one of %v, %v", fault.ErrRule, r, control, data)
	case r.Kind == fault.Refuse && isControl && r.For == 0:
		return fmt.Errorf("%w %q: this closes the listener at which faults are removed: it needs for", fault.ErrRule, r)
	}
	return nil
}

// turnDoors opens and closes the listeners as the rules say.
func (s *Server) turnDoors() {
	s.turn.Lock()
	defer s.turn.Unlock()
	var control, data bool
	for _, set := range s.faults.List() {
		if set.Rule.Kind == fault.Refuse {
			isControl := slices.Contains(wire.ControlAPIs(), wire.API(set.Rule.API))
			control, data = control || isControl, data || !isControl
		}
	}
	for d, shut := range map[*fault.Door]bool{s.controlDoor: control, s.dataDoor: data} {
		if err := d.Turn(shut); err != nil {
			s.log.Error("listener not opened again", "err", err)
		}
	}
}

// faultOutput is a rule as GET and POST /_emulator/faults tell it.
type faultOutput struct {
	ID    fault.ID `json:"id"`
	Fault string   `json:"fault"`
	Hits  int64    `json:"hits"`
}

// tellFaults is what requests for rules are answered with.
func tellFaults(sets []fault.Set) any {
	out := make([]faultOutput, len(sets))
	for i, set := range sets {
		out[i] = faultOutput{ID: set.ID, Fault: set.Rule.String(), Hits: set.Hits}
	}
	return map[string]any{"faults": out}
}

// setFaults does what POST /_emulator/faults says: one rule a line.
func (s *Server) setFaults(body string) (any, error) {
	var rules []fault.Rule
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		rule, err := fault.Parse(line)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	if len(rules) == 0 {
		return nil, errors.New("no fault: want one a line, such as kind=status,api=GetClip,status=503")
	}
	added, err := s.AddFaults(rules...)
	return tellFaults(added), err
}

// clearFaults answers DELETE /_emulator/faults.
func (s *Server) clearFaults(w http.ResponseWriter, _ *http.Request) {
	s.ClearFaults()
	w.WriteHeader(http.StatusNoContent)
}

// deleteFault answers DELETE /_emulator/faults/ID.
func (s *Server) deleteFault(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || !s.RemoveFault(fault.ID(id)) {
		http.Error(w, "no such fault", http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// faultOptions refuses options with a rule that cannot be in force.
func faultOptions(rules []fault.Rule) error {
	var failed []error
	for _, r := range rules {
		failed = append(failed, checkFault(r))
	}
	return errors.Join(failed...)
}
