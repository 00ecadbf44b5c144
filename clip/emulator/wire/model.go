package wire

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed model.txt
var modelText string

// Host is a kind of host that operations are sent to.
type Host string

// The hosts. GetDataEndpoint names those of Archive, Media and Ingest, GetSignalingChannelEndpoint the last two.
const (
	ControlHost   Host = "control"
	ArchiveHost   Host = "archive"
	MediaHost     Host = "media"
	IngestHost    Host = "ingest"
	SignalingHost Host = "signaling"
	StorageHost   Host = "storage"
)

// Operation is what the service's models say of an operation.
type Operation struct {
	API  API
	Host Host
	// Path is where it is sent on its host.
	Path string
	// APIName is its name in GetDataEndpoint; empty where that knows it not.
	APIName string
	members []member
}

// member is a member of an input or of a structure in it.
type member struct {
	name     string
	required bool
	shape    *shape
}

// shape is what a value has to be.
type shape struct {
	kind kind
	// least and most are of a number, or of how many characters or elements there are.
	least, most int64
	// capped says that a greater number is no error.
	capped  bool
	pattern *regexp.Regexp
	// source is the pattern as the model has it.
	source string
	values []string
	// element is that of a list or map, key that of a map.
	element, key *shape
	members      []member
}

// kind is what kind of value a shape is of.
type kind string

const (
	booleanKind   kind = "boolean"
	integerKind   kind = "integer"
	longKind      kind = "long"
	timestampKind kind = "timestamp"
	stringKind    kind = "string"
	enumKind      kind = "enum"
	listKind      kind = "list"
	mapKind       kind = "map"
	structureKind kind = "structure"
)

// unlimited is the greatest number or length where the model has none.
const unlimited = 1<<63 - 1

// Model gives all operations of the service, in the order of the models. An error means that the embedded text cannot be read.
func Model() ([]Operation, error) {
	p := modelReader{lines: make(map[string]string), shapes: make(map[string]*shape)}
	for _, k := range []kind{booleanKind, integerKind, longKind, timestampKind} {
		p.shapes[string(k)] = &shape{kind: k, least: -unlimited, most: unlimited}
	}
	for line := range strings.Lines(modelText) {
		if err := p.line(strings.TrimRight(line, "\n")); err != nil {
			return nil, fmt.Errorf("model: %q: %w", line, err)
		}
	}
	return p.operations, nil
}

// modelReader reads the text of the models. Shapes stand before the operations, and are read when they are used.
type modelReader struct {
	lines      map[string]string
	shapes     map[string]*shape
	operations []Operation
}

// line reads one line.
func (p *modelReader) line(line string) error {
	words := strings.Fields(line)
	switch {
	case len(words) == 0 || strings.HasPrefix(line, "#"):
		return nil
	case strings.HasPrefix(line, " "):
		o := &p.operations[len(p.operations)-1]
		var err error
		o.members, err = p.members(words)
		return err
	case words[0] == "shape":
		_, p.lines[words[1]], _ = strings.Cut(line, words[1]+" ")
		return nil
	}
	o := Operation{API: API(words[1]), Host: Host(words[0]), Path: API(words[1]).Path()}
	for _, word := range words[2:] {
		if strings.HasPrefix(word, "/") {
			o.Path = word
		} else {
			o.APIName = word
		}
	}
	p.operations = append(p.operations, o)
	return nil
}

// members reads members.
func (p *modelReader) members(words []string) ([]member, error) {
	all := make([]member, len(words))
	for i, word := range words {
		name, shapeName, named := strings.Cut(word, ":")
		bare := strings.TrimSuffix(name, "!")
		if !named {
			shapeName = bare
		}
		s, err := p.shape(shapeName)
		if err != nil {
			return nil, err
		}
		all[i] = member{name: bare, required: bare != name, shape: s}
	}
	return all, nil
}

// shape gives the shape of a name.
func (p *modelReader) shape(name string) (*shape, error) {
	if s := p.shapes[name]; s != nil {
		return s, nil
	}
	what, text, _ := strings.Cut(p.lines[name], " ")
	s := &shape{kind: kind(what), most: unlimited}
	p.shapes[name] = s
	if limits, rest, _ := strings.Cut(text, " "); strings.Contains(limits, "..") {
		least, most, _ := strings.Cut(limits, "..")
		s.least, _ = strconv.ParseInt(least, 10, 64) // none is 0
		if n, err := strconv.ParseInt(most, 10, 64); err == nil {
			s.most = n
		}
		text = rest
	}
	var err error
	switch words := strings.Fields(text); s.kind {
	case stringKind:
		s.source = text
		s.pattern, err = regexp.Compile("^(?:" + text + ")$")
	case enumKind:
		s.values = strings.Split(text, "|")
	case listKind:
		s.element, err = p.shape(words[0])
	case mapKind:
		if s.key, err = p.shape(words[0]); err == nil {
			s.element, err = p.shape(words[1])
		}
	case structureKind:
		s.members, err = p.members(words)
	case integerKind, longKind:
		s.capped = slices.Contains(words, "capped")
	default:
		err = fmt.Errorf("no shape %s", name)
	}
	return s, err
}
