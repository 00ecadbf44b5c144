package packaging_test

import (
	"os"
	"testing"

	"clipfs/cmd/internal/harness"
)

const (
	// insideVariable, endpointVariable and debVariable tell the test inside that it is, where the emulator is, and what to install.
	insideVariable   = "E2E_INSIDE"
	endpointVariable = "E2E_ENDPOINT"
	debVariable      = "E2E_DEB"
)

// TestMain runs the tests; or, in a mount namespace of its own, in which TestDebianPackage has started this program again, what
// installs the package there.
func TestMain(m *testing.M) {
	if os.Getenv(insideVariable) != "" {
		os.Exit(m.Run()) // of the one test that is named
	}
	os.Exit(harness.Main(m))
}
