//go:build !race

package harness

// raceFlags are empty where the tests do not detect races.
func raceFlags() []string { return nil }
