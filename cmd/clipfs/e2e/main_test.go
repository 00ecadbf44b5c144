//go:build e2e

package e2e_test

import (
	"os"
	"testing"

	"clipfs/cmd/internal/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
