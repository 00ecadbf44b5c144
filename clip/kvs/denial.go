package kvs

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
)

// The calls that list. What is told without them is less, so that a refusal of one changes what is shown.
const (
	opListFragments = "ListFragments"
	opListStreams   = "ListStreams"
)

// mayNotList tells whether the service says of a call that lists that the action is not permitted. Only that counts: an
// answer with a code for exactly this, which names no other action. Signatures and tokens that are not accepted, and
// whatever stands between and refuses, say nothing of permissions.
func (c *call) mayNotList(err error) bool {
	var api smithy.APIError
	if c.api != opListFragments && c.api != opListStreams || !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "AccessDeniedException", "AccessDenied", "NotAuthorizedException":
		action := refusedAction(api.ErrorMessage())
		return action == "" || strings.EqualFold(action, "kinesisvideo:"+c.api)
	}
	return false
}

// refusedAction gives the action that a refusal names, "" where it names none (IAM user guide, "Troubleshoot access denied
// error messages": "is not authorized to perform: service:Action on resource: …").
func refusedAction(message string) string {
	_, rest, _ := strings.Cut(message, "not authorized to perform: ")
	action, _, _ := strings.Cut(rest, " ")
	return strings.TrimRight(action, ".,;")
}
