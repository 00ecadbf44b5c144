// Package e2e holds the tests of the whole: the built command as an emulator and as a mount, each in a process of its
// own, read by programs that we did not write.
package e2e
