package fs

import (
	"log/slog"
	"os"
	"path/filepath"

	"clipfs/fs/mountinfo"
)

// readAheadKB makes reads through the page cache as large as the kernel allows, 1 MiB, and has it ask for the next one
// before it has the last. The kernel's default gives 256 KiB. More gains nothing, and a page fault in a mapped file reads as
// much around it.
const readAheadKB = "2048"

// setReadAhead raises the read-ahead of a mount, where we may: as root. Without it everything works, more slowly.
func setReadAhead(mount mountinfo.Info, logger *slog.Logger) {
	err := os.WriteFile(filepath.Join("/sys/class/bdi", mount.Device(), "read_ahead_kb"), []byte(readAheadKB), 0)
	if err != nil {
		logger.Debug("read-ahead of the mount left as it is", "mountpoint", mount.Mountpoint, "cause", err)
	}
}
