//go:build race

package harness

// raceFlags make the command a race detector too when the tests are one.
func raceFlags() []string { return []string{"-race"} }
