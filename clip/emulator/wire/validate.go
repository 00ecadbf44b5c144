package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Check holds the body of a request against the model, and gives back the members that the model knows, under exactly
// their names, for decoding; others are let pass, as the service does. An empty body has no members. Its errors are those
// of the service.
func (o Operation) Check(body []byte) ([]byte, error) {
	if body = bytes.TrimSpace(body); len(body) == 0 {
		body = []byte("{}")
	}
	if !json.Valid(body) {
		return nil, Refuse(Serialization, "The request body is not JSON.")
	}
	var c checker
	clean := c.structure(o.members, body, "")
	switch {
	case c.mismatch != "":
		return nil, Refuse(Serialization, "%s", c.mismatch)
	case len(c.violations) == 1:
		return nil, Invalid("1 validation error detected: %s", c.violations[0])
	case len(c.violations) > 1:
		return nil, Invalid("%d validation errors detected: %s", len(c.violations), strings.Join(c.violations, "; "))
	}
	return clean, nil
}

// checker collects what is wrong with a body. Its methods give back a value for decoding.
type checker struct {
	violations []string
	// mismatch is the first value of another kind than its shape's.
	mismatch string
}

// violate notes that the value of a member does not satisfy a constraint.
func (c *checker) violate(value []byte, at, constraint string) {
	shown := "null"
	if value != nil {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		shown = "'" + cut(text) + "'"
	}
	c.violations = append(c.violations, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", shown, at, constraint))
}

// shownLength is how many characters of a value errors show.
const shownLength = 100

// cut gives the first characters of a text.
func cut(text string) string {
	if runes := []rune(text); len(runes) > shownLength {
		return string(runes[:shownLength]) + "..."
	}
	return text
}

// notA notes that a value is of another kind.
func (c *checker) notA(value []byte, want string) {
	if c.mismatch != "" {
		return
	}
	switch value[0] {
	case '{':
		c.mismatch = "Start of structure or map found where not expected."
	case '[':
		c.mismatch = "Start of list found where not expected."
	case '"':
		c.mismatch = "STRING_VALUE can not be converted to " + want
	case 't', 'f':
		c.mismatch = strings.ToUpper(string(value)) + "_VALUE can not be converted to " + want
	case 'n':
		c.mismatch = "NULL_VALUE can not be converted to " + want
	default:
		c.mismatch = "NUMBER_VALUE can not be converted to " + want
	}
}

// structure checks the members of an object.
func (c *checker) structure(members []member, value []byte, at string) []byte {
	var given map[string]json.RawMessage
	if json.Unmarshal(value, &given) != nil {
		c.notA(value, "a structure")
		return nil
	}
	clean := make(map[string]json.RawMessage, len(members))
	for _, m := range members {
		at := at + strings.ToLower(m.name[:1]) + m.name[1:]
		switch v := given[m.name]; {
		case v != nil && string(v) != "null":
			clean[m.name] = c.value(m.shape, v, at)
		case m.required:
			c.violate(nil, at, "Member must not be null")
		}
	}
	if c.mismatch != "" {
		return nil
	}
	b, _ := json.Marshal(clean) // what was valid stays valid
	return b
}

// value checks a value.
func (c *checker) value(s *shape, value []byte, at string) []byte {
	switch s.kind {
	case structureKind:
		return c.structure(s.members, value, at+".")
	case listKind:
		return c.list(s, value, at)
	case mapKind:
		return c.dictionary(s, value, at)
	case stringKind, enumKind:
		var text string
		if json.Unmarshal(value, &text) != nil {
			c.notA(value, "a String")
			return nil
		}
		for _, constraint := range s.unmet(text) {
			c.violate(value, at, constraint)
		}
	case booleanKind:
		if value[0] != 't' && value[0] != 'f' {
			c.notA(value, "a Boolean")
		}
	case timestampKind:
		c.timestamp(value, at)
	case integerKind, longKind:
		return c.number(s, value, at)
	}
	return value
}

// unmet gives the constraints that a text does not satisfy.
func (s *shape) unmet(text string) []string {
	if s.kind == enumKind {
		if slices.Contains(s.values, text) {
			return nil
		}
		return []string{"Member must satisfy enum value set: [" + strings.Join(s.values, ", ") + "]"}
	}
	unmet := s.outside(utf8.RuneCountInString(text))
	if !s.pattern.MatchString(text) {
		unmet = append(unmet, "Member must satisfy regular expression pattern: "+s.source)
	}
	return unmet
}

// outside gives the constraint that a number of characters or elements does not satisfy.
func (s *shape) outside(n int) []string {
	switch {
	case int64(n) < s.least:
		return []string{fmt.Sprintf("Member must have length greater than or equal to %d", s.least)}
	case int64(n) > s.most:
		return []string{fmt.Sprintf("Member must have length less than or equal to %d", s.most)}
	}
	return nil
}

// number checks an integer.
func (c *checker) number(s *shape, value []byte, at string) []byte {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if f, ferr := strconv.ParseFloat(string(value), 64); err != nil && ferr == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		n, err = int64(f), nil // 1e3 and 5.0 are whole, too
	}
	want := "a Long"
	if s.kind == integerKind {
		want = "an Integer"
	}
	switch {
	case err != nil || s.kind == integerKind && n != int64(int32(n)):
		c.notA(value, want)
	case n < s.least:
		c.violate(value, at, fmt.Sprintf("Member must have value greater than or equal to %d", s.least))
	case n > s.most && s.capped:
		n = s.most
	case n > s.most:
		c.violate(value, at, fmt.Sprintf("Member must have value less than or equal to %d", s.most))
	}
	return strconv.AppendInt(nil, n, 10)
}

// timestamp checks a time.
func (c *checker) timestamp(value []byte, at string) {
	var t Timestamp
	switch err := t.UnmarshalJSON(value); {
	case err != nil:
		c.notA(value, "a Timestamp")
	case t.UnixMilli() < 0:
		c.violate(value, at, "Member must not be before 1970")
	}
}

// list checks the elements of a list.
func (c *checker) list(s *shape, value []byte, at string) []byte {
	var all []json.RawMessage
	if json.Unmarshal(value, &all) != nil {
		c.notA(value, "a list")
		return nil
	}
	if unmet := s.outside(len(all)); len(unmet) > 0 {
		c.violate(value, at, unmet[0])
		return nil
	}
	for i, v := range all {
		at := fmt.Sprintf("%s.%d.member", at, i+1)
		if string(v) == "null" {
			c.violate(nil, at, "Member must not be null")
			continue
		}
		all[i] = c.value(s.element, v, at)
	}
	if c.mismatch != "" {
		return nil
	}
	b, _ := json.Marshal(all) // what was valid stays valid
	return b
}

// dictionary checks the keys and values of a map of texts.
func (c *checker) dictionary(s *shape, value []byte, at string) []byte {
	var all map[string]json.RawMessage
	if json.Unmarshal(value, &all) != nil {
		c.notA(value, "a map")
		return nil
	}
	if unmet := s.outside(len(all)); len(unmet) > 0 {
		c.violate(value, at, unmet[0])
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		v := all[key]
		var text string
		if string(v) == "null" || json.Unmarshal(v, &text) != nil {
			c.notA(v, "a String")
			return nil
		}
		if unmet := s.key.unmet(key); len(unmet) > 0 {
			c.violate(value, at, "Map keys must satisfy constraint: ["+strings.Join(unmet, ", ")+"]")
		}
		if unmet := s.element.unmet(text); len(unmet) > 0 {
			c.violate(value, at, "Map value must satisfy constraint: ["+strings.Join(unmet, ", ")+"]")
		}
	}
	return value
}
