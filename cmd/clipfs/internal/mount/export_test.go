package mount

import "clipfs/fs/mountinfo"

// Unseen tells why the host of a container does not see a mount.
func Unseen(mountpoint string, ours, host []mountinfo.Info) (cause, remedy string) {
	return unseen(mountpoint, ours, host)
}

// CollectSooner is what a process that serves does first.
func CollectSooner() { collectSooner() }
