//go:build e2e || containers

package harness

// buildsCommand has Main build the command, which tests of these tags run.
const buildsCommand = true
