// Package harness runs clipfs as users do, for tests: the built command as an emulator in one child process and as a
// mount in another, and real programs that read from the mount.
//
// A process must never read a mount that it serves (it can hang beyond the reach of SIGKILL), so nothing is served by
// the test process. Each mount has a watchdog that aborts its FUSE connection when the test takes too long, so that a
// bug leaves a failed test and not a hung machine.
package harness
