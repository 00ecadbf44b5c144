// Package control is for tests against the emulator: it starts one, or talks to one that runs, sets it back between two tests, moves
// its clock, makes calls fail and counts them.
//
//	emulator, err := control.Start(ctx, control.Command{Args: []string{"--stream", "door=testcard"}})
//	…
//	defer emulator.Close()
//	cfg.BaseEndpoint = aws.String(emulator.Endpoint) // of the SDK's configuration, with any credentials
//
// Everything stands at /_emulator/ of the control endpoint, and any HTTP client can do the same (clip/emulator/README.md). Package
// producer fills streams. In a Go program package emulator itself can run in the process instead.
package control
