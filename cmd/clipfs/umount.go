package main

import (
	"errors"
	"fmt"

	"clipfs/fs"
	"clipfs/fs/mountinfo"

	"github.com/spf13/cobra"
)

// umountCommand is clipfs umount.
func umountCommand() *cobra.Command {
	lazy := false
	cmd := &cobra.Command{
		Use:   "umount [flags] MOUNTPOINT",
		Short: "Unmount a clipfs mount",
		Long: `Unmount a clipfs mount, whose clipfs then ends. A mount that is in use stays, unless --lazy is given. One whose clipfs
has died is always taken away.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return umount(args[0], lazy) },
	}
	cmd.Flags().BoolVar(&lazy, "lazy", false, "take it out of the tree even if it is in use")
	return cmd
}

// umount takes the mount at a path away.
func umount(path string, lazy bool) error {
	mountpoint, err := fs.Canonical(path)
	if err != nil {
		return fmt.Errorf("mountpoint %s: %w", path, err)
	}
	info, err := mountinfo.Find(mountpoint)
	if errors.Is(err, mountinfo.ErrNotMounted) {
		return fmt.Errorf("nothing is mounted on %s: name the mountpoint, not something below it", mountpoint)
	}
	if err != nil {
		return err
	}
	if info.FSType != fs.FSType {
		return fmt.Errorf("%s is mounted with type %s, not %s: use umount", mountpoint, info.FSType, fs.FSType)
	}
	if lazy || isStale(mountpoint) {
		return fs.Detach(mountpoint)
	}
	err = fs.Unmount(mountpoint)
	if errors.Is(err, fs.ErrBusy) {
		return fmt.Errorf("%s is in use: close what is open on it (fuser -vm %s tells), or add --lazy", mountpoint, mountpoint)
	}
	return err
}
