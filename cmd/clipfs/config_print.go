package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// printConfig writes what is in force for the settings of a command as a file of settings, with where each comes from in
// comments. What has neither a value nor a default is commented out.
func printConfig(cmd *cobra.Command, out io.Writer) error {
	var b strings.Builder
	b.WriteString("# What is in force for " + cmd.CommandPath() + ", and where it comes from:\n# a flag, else the environment, else the file (--config), else the default.\n")
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !isInFile(f) || f.Hidden && !f.Changed {
			return
		}
		text, err := settingText(f)
		if err != nil {
			failed = err
			return
		}
		if !f.Changed && isUnset(f) {
			text = "# " + text
		}
		first, rest, _ := strings.Cut(text, "\n")
		fmt.Fprintf(&b, "%-40s # %s\n%s", first, oneComment(originOf(f)), rest)
	})
	if failed != nil {
		return failed
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// writeSample writes a file of settings for people to edit: every setting with what it is for and its default, all
// commented out.
func writeSample(cmd *cobra.Command, out io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Settings of clipfs, for --config or CLIPFS_CONFIG. Each is a flag of "clipfs mount"; the flag itself, and a
# variable such as CLIPFS_CACHE_SIZE, go before what stands here. "clipfs mount --print-config" shows what is in force.
# Credentials, profile and region are none of them: they come from where the AWS SDK looks for them.
`)
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !isInFile(f) || f.Hidden {
			return
		}
		_, usage := pflag.UnquoteUsage(f)
		text, err := settingText(f)
		if err != nil {
			failed = err
		}
		fmt.Fprintf(&b, "\n# %s\n#%s", usage, strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n#")+"\n")
	})
	if failed != nil {
		return failed
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// settingText gives a flag as lines of a file of settings.
func settingText(f *pflag.Flag) (string, error) {
	value := scalar(f.Value.String())
	if list, ok := f.Value.(pflag.SliceValue); ok {
		value = &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range list.GetSlice() {
			value.Content = append(value.Content, scalar(item))
		}
	}
	node := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(f.Name), value}}
	text, err := yaml.Marshal(node)
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.Name, err)
	}
	return string(text), nil
}

// scalar gives a text as YAML writes it: as it is where that reads back the same, else in quotes.
func scalar(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if text == "" || n.ShortTag() == "!!null" || strings.ContainsAny(text, "\n\r\t") {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// isUnset reports whether a flag has no value.
func isUnset(f *pflag.Flag) bool {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return len(list.GetSlice()) == 0
	}
	return f.Value.String() == ""
}

// oneComment gives a text as the end of a comment can be: a path may have anything in it.
func oneComment(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
