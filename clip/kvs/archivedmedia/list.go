package archivedmedia

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// list reads a list of at most so many items: a longer one is an error before it takes the memory that an answer of short
// items would.
func list[T any](text []byte, most int, what string) (items []T, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	start, err := decoder.Token()
	if err != nil || start == nil { // null is none
		return nil, err
	}
	if start != json.Delim('[') {
		return nil, fmt.Errorf("%s: %v is no list", what, start)
	}
	for decoder.More() {
		if len(items) == most {
			return nil, fmt.Errorf("more than %d %s on a page", most, what)
		}
		var one T
		if err := decoder.Decode(&one); err != nil {
			return nil, err
		}
		items = append(items, one)
	}
	return items, nil
}
