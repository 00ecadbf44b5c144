// Package mount makes a mount of a Config and serves it.
//
//	flags → Config (plain data) → assemble: archive → caches → clip.Library → fs.Server → serve until a signal
//
//	config.go      what a mount is told: a field for each flag, and the flag
//	assemble.go    what becomes of it: options of the parts, and the parts, put together
//	run.go         the whole of "clipfs mount": background process, log, checks, then assemble and serve
//	serving.go     a mount from when it is there until its process ends
//	mountpoint.go  what must be true of a machine and of a directory to mount on it
//	collect.go     when the heap of the process is collected
//
// A new flag is a field and a line of Bind in config.go, and its use in assemble.go.
package mount
