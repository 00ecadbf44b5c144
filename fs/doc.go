// Package fs shows a tree.Tree as a read-only FUSE filesystem, on go-fuse. It turns entries into nodes, reads into
// tree.Reader.ReadAt, and errors into errno; what paths there are, and what they stand for, package tree knows.
//
// # Nodes
//
//	dirNode       a tree.Dir
//	fileNode      one version of a tree.File, of whatever form
//	linkNode      a tree.Link
//	fileHandle    an open fileNode
//
// # Versions and sizes
//
// An inode is one immutable version of a file (type version). When the footage behind a path changes, the next LOOKUP
// gives a new inode: same number, next generation. Files that are open stay with the version they opened.
//
// The size of a clip is an estimate, on the high side, until its head has arrived, and the kernel must not work with
// an estimate: sendfile without fstat is bounded by the size that the kernel holds and would pad with zeros. So
//
//   - LOOKUP and GETATTR never wait for media: they give what is known, an estimate with an attribute timeout of a second. With
//     Options.ExactSizes a LOOKUP waits for the head as OPEN does, or fails;
//   - OPEN waits for the head, interruptibly. If the size that the kernel was given last is not the right one, it then
//     answers ESTALE. The VFS resolves the path again with LOOKUP_REVAL, which looks the name up, gets the exact size,
//     and opens once more (fs/namei.c, path_openat is tried again upon ESTALE);
//   - OPEN has the kernel forget the attributes before it answers, where they were ever an estimate (version.recall): a caller
//     that gets here by another way than a path is not sent back twice, and asks for the size at its next fstat;
//   - where the footage is another one since the name was looked up, OPEN finds and opens the version that there is now
//     and answers ESTALE, so that the one LOOKUP_REVAL that there is finds its exact size too;
//   - for a moment after such an ESTALE a LOOKUP of the name gives the same version again, even if there is a newer
//     one: at the live edge there always is, and it would be ESTALE again, which nobody catches.
//
// Reads bypass the page cache (FOPEN_DIRECT_IO) while a clip is still arriving and use it once it is complete. What is
// in it is always kept (FOPEN_KEEP_CACHE), as the bytes and the size of a version never change. sendfile and mmap fill
// it at any time, and an open that dropped it would wait for the pages that they wait for.
//
// What was read once is in the page cache, and reading it again does not reach this process. How fast that is depends
// on the kernel, which has files on FUSE in single pages (Linux 6.18). clipbench measures a bare FUSE file beside; it
// is no faster.
//
// A large read of what is on the disk, checked, is answered with the pages that the kernel has of the file (package pages, type
// handed): they go through a pipe, and this process neither copies nor touches them. All other reads go by a
// buffer of go-fuse's.
//
// # Passthrough
//
// The kernel can read from a file of ours by itself (type passthrough). The node that opens a clip offers the file, if the
// library has one that is just the clip, whole and proven; passthrough stands before the nodes, registers the file with the
// kernel and keeps the books: which inodes have open handles, and how all of them are read. The kernel refuses handles of
// one inode that are read in different ways (fs/fuse/iomode.c), so the way is chosen by the first and kept until the last.
//
// The kernel holds the file by itself from then on. RELEASE comes at close(2), although a mapping may live on; so package
// cache asks the kernel whether it has let go of a file that was removed before it gives the space back.
//
// # What the kernel remembers
//
// The kernel remembers each name that it was told of, and there is a node for each, until it needs memory. Package inodes stands
// between passthrough and the nodes, and asks it to forget the oldest names where there are many that it does not use.
//
// # Interrupts
//
// Everything that may wait gets a context. It ends when the kernel says that the caller was interrupted and a signal
// waits for that thread that is meant to end something (types patience and signals); the answer is EINTR then. Other
// interrupts do not end it: SIGURG, which Go programs get all the time, SIGCHLD, SIGWINCH, Ctrl-Z, a debugger.
//
// # Operations
//
// Each request has a number (type operations), which goes with the context into the library and from there to the
// archive's calls. A clip's reads and what they fetch count as asked by the process that opened it.
//
// # Locks
//
// version.mu guards what the kernel was told of a version, versions.mu the table of live versions, reporter.mu and
// deny.mu what was logged, callers.mu the processes that are known, patience.mu one request's end, passthrough.mu the open
// handles. None is held while another is taken or while the tree is asked. passthrough.mu alone is held over calls of the
// kernel, which wait for nobody.
//
// # Its own mount
//
// Nothing here opens, stats or walks a path on the mount it serves, nor may the process do so: it can hang for good.
// Whether the mount is alive (Server.Alive) is asked of the table of mounts and of the connection's descriptor.
package fs
