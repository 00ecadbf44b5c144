// Package fleet runs real mounts over one emulator and one object store, each mount a process with a cache of its own, and counts
// what they take of both.
//
// Store is Versity S3 Gateway in a process, behind a proxy of this process that waits, bounds the bandwidth of each connection, counts
// requests, and fails on demand. Rig is an emulator with quotas, latency and bandwidth, a store, and the mounts. Rig.Read has so many hosts
// open and read clips at once.
//
// This process reads mounts and serves none of them, and a watchdog aborts the connection of a mount that takes too long.
package fleet
