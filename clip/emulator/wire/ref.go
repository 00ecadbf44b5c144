package wire

import "strings"

// StreamRef is how requests name a stream: by name or by ARN.
type StreamRef struct {
	StreamName StreamName
	StreamARN  string
}

// maxARN is the longest ARN (API reference, ResourceARN).
const maxARN = 1024

// Name gives the name that the reference says, by itself or in its ARN.
func (r StreamRef) Name() (StreamName, error) {
	if r.StreamName == "" && r.StreamARN == "" {
		return "", Invalid("Either StreamName or StreamARN should be specified.")
	}
	if r.StreamName != "" && !r.StreamName.Valid() {
		return "", InvalidName(r.StreamName)
	}
	if r.StreamARN == "" {
		return r.StreamName, nil
	}
	name, ok := nameInARN(r.StreamARN)
	if !ok {
		return "", Invalid("Value '%.100s' at 'streamARN' is not the ARN of a stream.", r.StreamARN)
	}
	if r.StreamName != "" && r.StreamName != name {
		return "", Invalid("StreamName and StreamARN name different streams.")
	}
	return name, nil
}

// NotBoth refuses a reference that has both a name and an ARN, which most operations let pass where they agree.
func (r StreamRef) NotBoth() error {
	if r.StreamName != "" && r.StreamARN != "" {
		return Invalid("Either StreamName or StreamARN should be specified, but not both.")
	}
	return nil
}

// nameInARN gives the NAME of arn:PARTITION:kinesisvideo:REGION:ACCOUNT:stream/NAME/CREATIONMILLIS.
func nameInARN(arn string) (StreamName, bool) {
	parts := strings.Split(arn, ":")
	if len(arn) > maxARN || len(parts) != 6 || parts[0] != "arn" || parts[2] != signService {
		return "", false
	}
	resource := strings.Split(parts[5], "/")
	if len(resource) != 3 || resource[0] != "stream" || resource[2] == "" {
		return "", false
	}
	name := StreamName(resource[1])
	return name, name.Valid()
}

// InvalidName refuses a stream name.
func InvalidName(n StreamName) error {
	return Invalid("Value '%.100s' at 'streamName' failed to satisfy constraint: "+
		"Member must have 1 to 256 characters and satisfy regular expression pattern: [a-zA-Z0-9_.-]+", n)
}
