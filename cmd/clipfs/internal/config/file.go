package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// maxFile bounds a config file, in bytes.
const maxFile = 1 << 20

// setting is one key of a config file with its values: several where the file has a list.
type setting struct {
	key    string
	line   int
	values []string
	list   bool
}

// fromFile sets the flags of a command that have no value yet from the file that --config names.
func fromFile(cmd *cobra.Command) error {
	named := cmd.Flags().Lookup(FileFlag)
	if named == nil || named.Value.String() == "" {
		return nil
	}
	return fromFileAt(cmd, named.Value.String(), func(*pflag.Flag) {})
}

// fromFileAt sets the flags of a command that have no value yet from a config file, and calls tell for each.
func fromFileAt(cmd *cobra.Command, path string, tell func(*pflag.Flag)) error {
	text, err := readConfig(path)
	if err != nil {
		return err
	}
	found, err := parseConfig(text)
	if err != nil {
		return Usagef("%s:%w", path, err)
	}
	known := settings(cmd.Root())
	for _, s := range found {
		if err := s.check(known); err != nil {
			return Usagef("%s:%d: %w", path, s.line, err)
		}
		f := cmd.Flags().Lookup(s.key)
		if f == nil || !IsSetting(f) || f.Changed {
			continue
		}
		if err := s.set(f); err != nil {
			return Usagef("%s:%d: %s: %w", path, s.line, s.key, err)
		}
		note(f, originNote, fmt.Sprintf("file, %s:%d", path, s.line))
		tell(f)
	}
	return nil
}

func readConfig(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", FileFlag, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", FileFlag, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("--%s: %s is larger than %d bytes: no config file", FileFlag, path, maxFile)
	}
	return text, nil
}

// parseConfig reads settings: one YAML document, a mapping of keys to scalars and lists of scalars. A scalar is taken as
// it is written, so that a value means what it means on the command line. Errors begin with the line, where they have one.
func parseConfig(text []byte) ([]setting, error) {
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	var document yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil, nil // nothing but comments
	}
	if err != nil {
		return nil, yamlError(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New(" want one YAML document and nothing after it")
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%d: want lines of the form \"cache-size: 50GiB\"", root.Line)
	}
	var all []setting
	for i := 0; i+1 < len(root.Content); i += 2 {
		s, err := newSetting(root.Content[i], root.Content[i+1])
		if err != nil {
			return nil, err
		}
		if at := slices.IndexFunc(all, func(o setting) bool { return o.key == s.key }); at >= 0 {
			return nil, fmt.Errorf("%d: %s is there twice, first in line %d", s.line, s.key, all[at].line)
		}
		all = append(all, s)
	}
	return all, nil
}

// yamlError turns an error of the YAML library into "LINE: what".
func yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		return errors.New(rest)
	}
	return errors.New(" " + text)
}

func newSetting(key, value *yaml.Node) (setting, error) {
	if key.Kind != yaml.ScalarNode {
		return setting{}, fmt.Errorf("%d: want the name of a flag before the colon", key.Line)
	}
	s := setting{key: key.Value, line: key.Line}
	items := []*yaml.Node{value}
	if value = aliased(value); value.Kind == yaml.SequenceNode {
		s.list, items = true, value.Content
	}
	for _, item := range items {
		item = aliased(item)
		switch {
		case item.Kind != yaml.ScalarNode:
			return setting{}, fmt.Errorf("%d: %s: want a value, or a list of values", item.Line, s.key)
		case item.Tag == "!!null":
			return setting{}, fmt.Errorf("%d: %s has no value: give it one, or take the line out", item.Line, s.key)
		}
		s.values = append(s.values, item.Value)
	}
	return s, nil
}

func aliased(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (s setting) check(known []*pflag.Flag) error {
	var names []string
	for _, f := range known {
		if f.Name == s.key {
			return nil
		}
		if !f.Hidden {
			names = append(names, f.Name)
		}
	}
	if s.key == FileFlag || s.key == PrintFlag {
		return fmt.Errorf("%s belongs on the command line", s.key)
	}
	return fmt.Errorf("%q is no setting%s", s.key, hint(s.key, names))
}

func (s setting) set(f *pflag.Flag) error {
	if _, takesList := f.Value.(pflag.SliceValue); s.list && !takesList {
		return errors.New("want one value, not a list")
	}
	return setFlag(f, s.values)
}
