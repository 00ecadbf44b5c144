// Package fs serves a clip.Library as a read-only FUSE filesystem, on go-fuse. It turns paths into nodes, reads into
// clip.Handle.ReadAt, and errors into errno; it knows nothing of the archive or of AWS.
//
// # What it is
//
// One type of node for each kind of entry, one file each:
//
//	rootNode        MOUNT/                     the streams
//	streamNode      front-door/                the days that have footage, latest and last
//	latestNode      latest                     a symbolic link to the minute of the newest footage
//	lastNode        last/                      clips that end with the newest footage
//	startNode       2024-01-01T10:00/          any start, listed or not: a day, an hour, a minute or an instant
//	clipNode        10m.mp4, 10m.cover.mp4     one version of a clip
//	                10m.times.json             and of which time of day its positions are, whose size is known as late
//	textNode        10m.json                   what the listing tells of a clip
//	statusDir       .clipfs/                   what tells of the mount itself; not listed
//	statusNode      status.json                one snapshot of that
//	clipHandle      an open clipNode
//
// # Versions and sizes
//
// An inode is one immutable version of a clip (type version). When the footage behind a path changes, the next LOOKUP
// gives a new inode: same number, next generation. Files that are open stay with the version they opened.
//
// The size of a clip is an estimate, on the high side, until its head has arrived, and the kernel must not work with
// an estimate: sendfile without fstat is bounded by the size that the kernel holds and would pad with zeros. So
//
//   - LOOKUP and GETATTR never wait for media: they give what is known, an estimate without an attribute timeout. With
//     Options.ExactSizes a LOOKUP waits for the head as OPEN does, or fails (type exactSizes);
//   - OPEN waits for the head, interruptibly, and then, if the size that the kernel was given last is not the one that
//     is right, answers ESTALE. The VFS then resolves the path again with LOOKUP_REVAL, which looks the name up, gets
//     the exact size, and opens once more (fs/namei.c, path_openat is tried again upon ESTALE);
//   - where the footage is another one since the name was looked up, OPEN finds and opens the version that there is now and answers
//     ESTALE, so that the one LOOKUP_REVAL that there is finds its exact size too;
//   - for a moment after such an ESTALE a LOOKUP of the name gives the same version again, even if there is a newer
//     one: at the live edge there always is, and it would be ESTALE again, which nobody catches.
//
// Reads bypass the page cache (FOPEN_DIRECT_IO) while a clip is still arriving and use it once it is complete. What is in it
// is always kept (FOPEN_KEEP_CACHE), as the bytes and the size of a version never change; sendfile and mmap fill it at any
// time, and an open that had it dropped would wait for the pages that they wait for.
//
// What was read once is in the page cache then, and reading it again asks us for nothing. How fast that is is the kernel's
// doing: it has files on FUSE in single pages (Linux 6.18), and copies slower where these do not follow each other in
// memory. clipbench measures a bare FUSE file beside, which is no faster.
//
// # Interrupts
//
// Everything that may wait is given a context that ends when the kernel said that the caller was interrupted and a signal
// waits for that thread that is meant to end something (types patience and signals), and answers EINTR then. What else
// interrupts does not: SIGURG, which Go programs get all the time, SIGCHLD, SIGWINCH, Ctrl-Z, a debugger.
//
// # Operations
//
// Everything that is asked has a number (type operations), which goes with the context into the library and from there to
// the archive's calls. A clip's reads and what they fetch count as asked by who opened it.
//
// # Locks
//
// version.mu guards what the kernel was told of a version; versions.mu guards the table of live versions;
// exactSizes.mu guards what look-ups have cost; reporter.mu guards what was logged; patience.mu guards one request's end. None is held while another is taken or
// while the library is called.
//
// # Its own mount
//
// Nothing here opens, stats or walks a path on the mount it serves, nor may the process do so: it can hang for good. Whether
// the mount is alive (Server.Alive) is asked of the table of mounts and of the connection's descriptor.
package fs
