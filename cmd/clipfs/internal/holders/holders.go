// Package holders finds out which processes keep a mount from being unmounted, from /proc alone. It never touches the
// mount: its server may be dead or hang, and then a process that asks it hangs too. So nothing is followed that leads there; what
// counts is read from links, from fdinfo (which names the mount of each open file), from maps (which name the device), and
// from the tables of mounts.
package holders

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"clipfs/fs/mountinfo"
)

// Kind is what keeps a mount in use.
type Kind string

// The kinds.
const (
	OpenFile         Kind = "open file"
	WorkingDirectory Kind = "working directory"
	RootDirectory    Kind = "root directory"
	MappedFile       Kind = "mapped file"
)

// Holder is one process that keeps a mount in use.
type Holder struct {
	// PID is the process.
	PID int
	// Command is the first 15 characters of its name.
	Command string
	// Kind is what it holds, Path one example of it.
	Kind Kind
	Path string
	// Others is how many more files, mappings and directories of the mount it has.
	Others int
}

// String says it to people: "1234 (mpv: open file /mnt/door/last/10m.mp4 and 2 more)".
func (h Holder) String() string {
	more := ""
	if h.Others > 0 {
		more = fmt.Sprintf(" and %d more", h.Others)
	}
	return fmt.Sprintf("%d (%s: %s %s%s)", h.PID, h.Command, h.Kind, h.Path, more)
}

// processTimeout bounds the look at one process: its maps cannot be read while it waits, with its memory locked, for
// a mount that does not answer.
const processTimeout = time.Second

const (
	// searchTimeout bounds a search through all processes.
	searchTimeout = 10 * time.Second
	// named is how many are named.
	named = 8
)

func few(texts []string) string {
	if more := len(texts) - named; more > 0 {
		texts = append(texts[:named:named], fmt.Sprintf("%d more", more))
	}
	return strings.Join(texts, ", ")
}

// Users names the processes that use a mount, for people.
func Users(ctx context.Context, mount mountinfo.Info) string {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	found, err := find(ctx, mount)
	var all []string
	for _, h := range found {
		all = append(all, h.String())
	}
	below, belowErr := mountedOn(mount)
	for _, mountpoint := range below {
		all = append(all, "what is mounted on "+mountpoint)
	}
	switch {
	case len(all) > 0:
		return few(all)
	case err != nil || belowErr != nil:
		return fmt.Sprintf("somebody (%v)", errors.Join(err, belowErr))
	case os.Geteuid() != 0:
		return "somebody whom only root can see"
	}
	return "a process that has let go meanwhile, or the kernel"
}

// find gives the processes that hold a mount, of those that this one may look at: all for root, else its own user's.
func find(ctx context.Context, mount mountinfo.Info) ([]Holder, error) {
	pids, err := processes()
	if err != nil {
		return nil, err
	}
	tables := make(map[string]table)
	var found []Holder
	for _, pid := range pids {
		t, err := tableOf(pid, mount, tables)
		if err != nil || len(t.ids) == 0 { // it has ended, is none of our business, or cannot see the mount
			continue
		}
		if h, ok := look(ctx, process{pid: pid, table: t}); ok {
			found = append(found, h)
		}
		if ctx.Err() != nil {
			return found, ctx.Err()
		}
	}
	return found, nil
}

// processes gives the numbers of all processes.
func processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// mountedOn gives the mountpoints of what is mounted on something of a mount, which keeps it in use too.
func mountedOn(mount mountinfo.Info) ([]string, error) {
	all, err := mountinfo.List()
	if err != nil {
		return nil, err
	}
	var below []string
	for _, info := range all {
		if info.Parent == mount.ID {
			below = append(below, info.Mountpoint)
		}
	}
	return below, nil
}

// table is what processes of one mount namespace see of the mount.
type table struct {
	device string
	ids    map[string]bool  // of the mounts of its filesystem
	all    []mountinfo.Info // in that namespace
}

// tableOf gives the table of a process; those of one namespace share one.
func tableOf(pid int, mount mountinfo.Info, known map[string]table) (table, error) {
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	if err != nil {
		return table{}, err
	}
	if t, ok := known[namespace]; ok {
		return t, nil
	}
	t := table{device: mount.Device(), ids: make(map[string]bool)}
	if t.all, err = mountinfo.ListOf(pid); err != nil {
		return table{}, err
	}
	for _, info := range t.all {
		if info.Device() == t.device {
			t.ids[strconv.Itoa(info.ID)] = true
		}
	}
	known[namespace] = t
	return t, nil
}

// isOn reports whether an absolute path, without symbolic links, leads to the mount.
func (t table) isOn(path string) bool {
	on, err := mountinfo.Below(t.all, path)
	return err == nil && on.Device() == t.device
}

type process struct {
	pid   int
	table table
}

func (p process) file(name string) string { return fmt.Sprintf("/proc/%d/%s", p.pid, name) }

func look(ctx context.Context, p process) (Holder, bool) {
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	h := Holder{PID: p.pid}
	p.directories(&h)
	p.files(&h)
	mapped := make(chan []string, 1)
	go func() { mapped <- p.maps() }()
	select {
	case paths := <-mapped:
		for _, path := range paths {
			h.note(MappedFile, path)
		}
	case <-ctx.Done():
	}
	if h.Kind == "" {
		return h, false
	}
	h.Command = p.command()
	return h, true
}

func (h *Holder) note(kind Kind, path string) {
	if h.Kind != "" {
		h.Others++
		return
	}
	h.Kind, h.Path = kind, path
}

// command gives the process's name. Not its command line: that lies in its memory, which may be locked.
func (p process) command() string {
	name, err := os.ReadFile(p.file("comm"))
	if err != nil {
		return "unknown"
	}
	return strings.TrimSuffix(string(name), "\n")
}

func (p process) directories(h *Holder) {
	for link, kind := range map[string]Kind{"cwd": WorkingDirectory, "root": RootDirectory} {
		path, err := os.Readlink(p.file(link))
		if err == nil && filepath.IsAbs(path) && p.table.isOn(path) {
			h.note(kind, path)
		}
	}
}

func (p process) files(h *Holder) {
	entries, err := os.ReadDir(p.file("fdinfo"))
	if err != nil {
		return // it has ended, or is none of our business
	}
	for _, e := range entries {
		id, err := mountOf(p.file("fdinfo/" + e.Name()))
		if err != nil || !p.table.ids[id] {
			continue
		}
		path, err := os.Readlink(p.file("fd/" + e.Name()))
		if err != nil {
			continue
		}
		h.note(OpenFile, path)
	}
}

var errNoMount = errors.New("no mount is named")

// mountOf gives the number of the mount that an open file is on (proc(5), fdinfo).
func mountOf(fdinfo string) (string, error) {
	text, err := os.ReadFile(fdinfo)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if id, ok := strings.CutPrefix(line, "mnt_id:"); ok {
			return strings.TrimSpace(id), nil
		}
	}
	return "", errNoMount
}

// maps gives the files of the mount that are mapped into the process's memory, each once.
func (p process) maps() []string {
	f, err := os.Open(p.file("maps"))
	if err != nil {
		return nil
	}
	defer f.Close()
	var paths []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// address perms offset dev inode path; the numbers of dev are hexadecimal.
		fields := strings.SplitN(lines.Text(), " ", 6)
		if len(fields) < 6 || !p.sameDevice(fields[3]) {
			continue
		}
		if path := strings.TrimSpace(fields[5]); !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// sameDevice compares "00:34" of maps with the mount's device.
func (p process) sameDevice(text string) bool {
	major, minor, _ := strings.Cut(text, ":")
	a, err1 := strconv.ParseUint(major, 16, 32)
	b, err2 := strconv.ParseUint(minor, 16, 32)
	return err1 == nil && err2 == nil && fmt.Sprintf("%d:%d", a, b) == p.table.device
}
