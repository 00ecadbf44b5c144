// Command clipfs mounts the archive of Amazon Kinesis Video Streams as a read-only tree of MP4 files.
//
// It wires the packages together and is the only place where flags, the environment, signals and exit codes are known:
//
//	mount     clip/kvs → clip.Library (with cache) → fs, until a signal; with --daemon in a process in the background
//	umount    takes a mount away
//	doctor    checks of the machine and the service, one by one, and a clip read by both ways
//	demo      clip/emulator, clip/kvs, clip.Library and fs in one process, and a check in a second one
//	emulator  clip/emulator alone
//	man       the manual pages, from the tree of commands
//	warm      reads clips on a running mount, to have them in its cache
//	version   what this binary was built from
//
// Called mount.clipfs it is what mount(8) runs for the type clipfs. A mount that a service manager watches has a second process
// (internal/probe) that asks it whether it answers.
//
// Exit codes: 0 for success, 1 for failure, 2 for wrong usage. An error is one line on stderr: what failed, on what, and
// what to do.
package main
