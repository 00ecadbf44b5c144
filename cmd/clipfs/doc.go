// Command clipfs mounts the archive of Amazon Kinesis Video Streams as a read-only tree of MP4 files.
//
// Only here are flags, the environment, signals and exit codes known. A file of this package is a command: its flags, its help, and
// what it calls. What more than one command needs, or a command needs more than a screen for, is below internal:
//
//	config       flags: their kinds, and their values from the command line, the environment, a config file, a running mount
//	mount        Config (plain data) → clip/kvs → clip.Library (with caches) → fs, until a signal
//	doctor       checks of the machine and the service, one by one, and a clip read by both ways
//	known        the mounts of this machine and their settings
//	holders      the processes that keep a mount in use
//	background   this program again, in the background
//	self         this program again, for what may hang on a mount
//	moment       times in words, for clipfs path
//	mounthelper  how mount(8) calls this program, named mount.clipfs
//	notify       the service manager
//
// The last three have one caller each and stay apart because they are pure and have tests of their own.
//
// Exit codes: 0 for success, 1 for failure, 2 for wrong usage. An error is one line on stderr: what failed, on what, and
// what to do.
package main
