package fs

import (
	"log/slog"
	"os"
	"path/filepath"

	"clipfs/fs/mountinfo"
)

// readAheadKB makes reads through the page cache as large as the kernel allows; its default gives 256 KiB.
const readAheadKB = "1024"

// setReadAhead raises the read-ahead of the mount, where we may: as root. Without it everything works, more slowly.
func setReadAhead(mountpoint string, logger *slog.Logger) {
	info, err := mountinfo.Find(mountpoint)
	if err == nil {
		err = os.WriteFile(filepath.Join("/sys/class/bdi", info.Device(), "read_ahead_kb"), []byte(readAheadKB), 0)
	}
	if err != nil {
		logger.Debug("read-ahead of the mount left as it is", "mountpoint", mountpoint, "cause", err)
	}
}
