// Package disk is the files of a cache: what they are called, what is in them, what was checked of them, and the lock of
// their directory. It knows no budget and no readers; package cache decides what is kept, and runs fills.
//
// # Two forms
//
// An entry has one of two forms, which its first request chooses:
//
//	Single    KEY.SIZE.CREATED           the bytes and a footer behind them; for the many small entries
//	Pair      KEY.SIZE.CREATED.data      just the bytes, so that the kernel can be given the file itself
//	          KEY.SIZE.CREATED.checks    the same footer, then the proof
//	both      KEY.CREATED.part           growing; gets its final name when it is whole
//
// The checks of a pair are written first, then the data gets its name, then, a while later, the proof is written. The data is removed
// first, then the checks. So whatever has a name is complete, and a kill at any moment leaves growing files and one half of
// a pair at most. The next start removes those.
//
// # Checks and proof
//
// A footer has a CRC-32C of every 64 KiB. Bytes that this process has not written are checked by the first read of their
// block. The data of a pair is proven once all of it was written or checked by one process, and the disk has it: the proof
// notes the inode of the data, its change time (st_ctime, which no program can set) and the boot of the machine. While all three are the same
// the bytes are what was checked, also for the next process. Other values, or a proof that is damaged, prove nothing, and
// the bytes are checked again. Nothing but a new name changes the inode of the data: the last use is noted on the checks.
//
// Bytes that are read back within one boot come from the page cache, whatever has become of the disk meanwhile: a thin pool is
// full, or the device was lost. So data waits half a minute, its file open (Written), and then the disk is asked for it
// (fdatasync(2)), one file at a time. Where that fails ErrLost says so, and package cache drops the entry. What still waits when the
// process ends is asked for then, for a second at most; the rest has no proof, and the next process checks it.
//
// # Locks
//
// File.mu guards what is known of one file, and written.mu what waits for its proof. Neither is held while the other is taken. No
// file is read, written, renamed, removed or closed under them.
package disk
