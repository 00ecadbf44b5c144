package config

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Print writes the settings of a command as a config file, each with its origin in a comment. A setting without a value or
// a default is commented out.
func Print(cmd *cobra.Command, out io.Writer) error {
	var b strings.Builder
	b.WriteString("# What is in force for " + cmd.CommandPath() + ", and where it comes from:\n# a flag, else the environment, else the file (--config), else the default.\n")
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !IsSetting(f) || f.Hidden && !f.Changed {
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
		fmt.Fprintf(&b, "%-40s # %s\n%s", first, oneComment(OriginOf(f)), rest)
	})
	if failed != nil {
		return failed
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// WriteSample writes a config file for people to edit: every setting with its help and its default, all commented out.
func WriteSample(cmd *cobra.Command, out io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Settings of clipfs, for --config or CLIPFS_CONFIG. Each is a flag of "clipfs mount"; the flag itself, and a
# variable such as CLIPFS_CACHE_SIZE, go before what stands here. "clipfs mount --print-config" shows what is in force.
# Credentials, profile and region are none of them: they come from where the AWS SDK looks for them.
`)
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !IsSetting(f) || f.Hidden {
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

// scalar writes a text as it is where YAML reads that back the same, else in quotes.
func scalar(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if text == "" || n.ShortTag() == "!!null" || strings.ContainsAny(text, "\n\r\t") {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func isUnset(f *pflag.Flag) bool {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return len(list.GetSlice()) == 0
	}
	return f.Value.String() == ""
}

// oneComment makes a text fit for a comment: a path may have anything in it.
func oneComment(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
