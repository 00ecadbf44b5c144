package holders

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"syscall"

	"clipfs/fs/mountinfo"
)

// Copy is another mount of the same filesystem: in another mount namespace, as containers and unshare(1) have, or a bind
// mount in this one. The filesystem lives until the last one is gone.
type Copy struct {
	// ID numbers the mount, on the whole machine, Mountpoint is where it is in its namespace.
	ID         int
	Mountpoint string
	// PID is a process in that namespace, Command and UID are its name and user; 0 where it is a bind mount in this one.
	PID     int
	Command string
	UID     uint32
}

// String says it to people: "1234 (sleep of uid 65534) in another mount namespace, on /mnt".
func (c Copy) String() string {
	if c.PID == 0 {
		return "a bind mount on " + c.Mountpoint
	}
	return fmt.Sprintf("%d (%s of uid %d) in another mount namespace, on %s", c.PID, c.Command, c.UID, c.Mountpoint)
}

// Text names copies, a few.
func Text(copies []Copy) string {
	texts := make([]string, 0, len(copies))
	for _, c := range copies {
		texts = append(texts, c.String())
	}
	return few(texts)
}

// Copies gives the copies of a mount, each once, by its number. A namespace in which no process runs is not seen.
func Copies(ctx context.Context, mount mountinfo.Info) ([]Copy, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	own, err := mountinfo.List()
	if err != nil {
		return nil, err
	}
	found := make(map[int]Copy)
	here := make(map[int]bool)
	for _, i := range own {
		here[i.ID] = true
		if i.Device() == mount.Device() && i.ID != mount.ID {
			found[i.ID] = Copy{ID: i.ID, Mountpoint: i.Mountpoint}
		}
	}
	pids, err := processes()
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		all, err := mountinfo.ListOf(pid)
		if err != nil { // it has ended, or may not be looked at
			continue
		}
		for _, i := range all {
			if _, known := found[i.ID]; i.Device() == mount.Device() && i.ID != mount.ID && !here[i.ID] && !known {
				found[i.ID] = inside(pid, i)
			}
		}
	}
	copies := make([]Copy, 0, len(found))
	for _, c := range found {
		copies = append(copies, c)
	}
	slices.SortFunc(copies, func(a, b Copy) int { return cmp.Compare(a.ID, b.ID) })
	return copies, nil
}

func inside(pid int, mount mountinfo.Info) Copy {
	c := Copy{ID: mount.ID, Mountpoint: mount.Mountpoint, PID: pid}
	p := process{pid: pid}
	c.Command = p.command()
	if info, err := os.Stat(p.file("")); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			c.UID = st.Uid
		}
	}
	return c
}
