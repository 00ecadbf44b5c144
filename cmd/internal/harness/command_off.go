//go:build !e2e && !containers

package harness

// buildsCommand spares the tests that need nothing the time for building the command.
const buildsCommand = false
