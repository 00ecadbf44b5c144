package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"clipfs/cmd/clipfs/internal/holders"
	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/fs"
	"clipfs/fs/mountinfo"

	"github.com/spf13/cobra"
)

func umountCommand() *cobra.Command {
	lazy := false
	cmd := &cobra.Command{
		Use:   "umount [flags] MOUNTPOINT",
		Short: "Unmount a clipfs mount",
		Long: `Unmount a clipfs mount; its clipfs then ends. A mount in use stays, and the error names the processes that use it, unless
--lazy is given. A mount whose clipfs has died is always removed.

Another mount namespace (a container, unshare) or a bind mount may have a copy of the mount. It is unmounted here then, its
clipfs goes on for the copy, the error names the process that has it, and the exit code is 1.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeMounts,
		RunE:              func(cmd *cobra.Command, args []string) error { return umount(cmd.Context(), args[0], lazy) },
	}
	cmd.Flags().BoolVar(&lazy, "lazy", false, "take it out of the tree even if it is in use")
	return cmd
}

func umount(ctx context.Context, path string, lazy bool) error {
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
	before, _ := holders.Copies(ctx, info) // what is not seen now is not told later
	if lazy {
		err = fs.Detach(mountpoint)
	} else {
		err = fs.Unmount(mountpoint)
	}
	if err == nil {
		return held(ctx, info, before)
	}
	if !errors.Is(err, fs.ErrBusy) {
		return err
	}
	if staleInTime(mountpoint) {
		return fs.Detach(mountpoint)
	}
	return fmt.Errorf("%s is in use by %s: end that, or add --lazy", mountpoint, holders.Users(ctx, info))
}

// held says which copies of a mount that was unmounted here are left of those that were there before. Numbers of devices are
// used again at once, so a copy that was not there before is another mount's.
func held(ctx context.Context, on mountinfo.Info, before []holders.Copy) error {
	if len(before) == 0 {
		return nil
	}
	var left []holders.Copy
	for begun := time.Now(); ; {
		now, err := holders.Copies(ctx, on)
		if err != nil {
			return fmt.Errorf("%s is unmounted, and it cannot be told whether it is held elsewhere: %w", on.Mountpoint, err)
		}
		left = slices.DeleteFunc(now, func(c holders.Copy) bool {
			return !slices.ContainsFunc(before, func(b holders.Copy) bool { return b.ID == c.ID && b.Mountpoint == c.Mountpoint })
		})
		if len(left) == 0 {
			return nil
		}
		if time.Since(begun) >= passingCopies {
			break
		}
		time.Sleep(copiesPoll)
	}
	return fmt.Errorf("%s is unmounted here, but held by %s: its clipfs goes on, and keeps the cache, until that ends or unmounts it", on.Mountpoint,
		holders.Text(left))
}

// staleInTime is isStale for a mount whose server may hang; then it is not stale.
func staleInTime(mountpoint string) bool {
	stale := make(chan bool, 1)
	go func() { stale <- mount.IsStale(mountpoint) }()
	select {
	case is := <-stale:
		return is
	case <-time.After(staleTimeout):
		return false
	}
}

const (
	// staleTimeout is how long a mount may take to say that its server is gone, which the kernel says at once.
	staleTimeout = 2 * time.Second
	// passingCopies is how long a namespace may have a copy that is about to let go of it, as services do that are just being
	// started, copiesPoll how often it is looked at.
	passingCopies = time.Second
	copiesPoll    = 50 * time.Millisecond
)
