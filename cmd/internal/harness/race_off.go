//go:build !race

package harness

import "os"

// raceVariable has the command built with the race detector for tests that are built without it.
const raceVariable = "E2E_RACE"

// raceFlags are empty where neither the tests detect races nor the command is to.
func raceFlags() []string {
	if os.Getenv(raceVariable) == "1" {
		return []string{"-race"}
	}
	return nil
}
