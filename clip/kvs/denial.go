package kvs

import (
	"strings"
)

// The calls that list. What is told without them is less, so that a refusal of one changes what is shown.
const (
	opListFragments = "ListFragments"
	opListStreams   = "ListStreams"
)

// refusedAction gives the action that a refusal names, "" where it names none (IAM user guide, "Troubleshoot access denied
// error messages": "is not authorized to perform: service:Action on resource: …").
func refusedAction(message string) string {
	_, rest, _ := strings.Cut(message, "not authorized to perform: ")
	action, _, _ := strings.Cut(rest, " ")
	return strings.TrimRight(action, ".,;")
}
