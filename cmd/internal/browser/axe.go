package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"clipfs/cmd/internal/harness"
)

// axeVersion is that of axe-core, which .ci/test puts where axeScript looks for it.
const axeVersion = "4.14.1"

// axeScript reads the script of axe-core, which finds what keeps people from using a page.
func axeScript(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(cache, "clipfs-ci", "axe-core-"+axeVersion, "axe.min.js"))
	if err != nil {
		harness.Skip(t, "axe-core %s is not there, .ci/test fetches it: %v", axeVersion, err)
	}
	return string(script)
}

// barrier is what axe-core found in a page: a rule, and the elements that break it.
type barrier struct {
	Rule, Help string
	Elements   []string
}

// Barriers gives what keeps people from using the page as it is now (axe-core, all rules that it has on): contrast, names, landmarks,
// focus. Tests that call it are skipped where axe-core is missing.
func (b *Tab) Barriers(t testing.TB) []string {
	t.Helper()
	if !Eval[bool](t, b, `'axe' in window`) {
		Eval[bool](t, b, axeScript(t)+"; true")
	}
	found := Eval[[]barrier](t, b, `axe.run({resultTypes: ['violations']}).then(r => r.violations.map(v => ({
		Rule: v.id, Help: v.help, Elements: v.nodes.map(n => n.target.join(' ') + ': ' + n.failureSummary),
	})))`)
	var all []string
	for _, f := range found {
		all = append(all, fmt.Sprintf("%s (%s): %q", f.Rule, f.Help, f.Elements))
	}
	return all
}
