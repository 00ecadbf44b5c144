// Clipbench measures clipfs against a file on the local disk, against the same calls made directly, and against what
// people use instead, and prints a Markdown table.
//
//	go run ./cmd/clipbench [--row PATTERN] [--json FILE] [--plots DIR] [--profile DIR] [--rounds 5]
//
// # Data flow
//
//	ffmpeg → footage → clipfs emulator (a process, shaped) ← clipfs mount (a process for each row) ← what is measured
//	                                                       ← clip/kvs, in this process             ← what it is measured against
//
// A task (row.go) measures one or more rows of the table. What is compared is measured in alternation, ours and theirs
// in turn, and the value is the median of the ratios of the rounds. Every task mounts with a cache of its own. Cold
// measurements use another hour of footage each time, so that nothing of them is known.
//
// Rows at scale have an emulator of their own (scale.go: a thousand streams), or a cache of a million entries, which are copies of one that the
// cache made (entries.go). --plots draws what they cost against their size. Peers (peers.go) are other programs that mount the same bytes.
//
// Clipbench fleet is another command: hosts that share a bucket, real ones and simulated ones (fleet.go, internal/fleet, internal/simulate,
// internal/plot). FLEET.md says what comes of it.
//
// This process reads the mount and does not serve it. A watchdog aborts the connection of a mount that takes too long.
package main
