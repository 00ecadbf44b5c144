package fs

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// maxComm is how many characters the kernel keeps of the name that a process gives itself (TASK_COMM_LEN, less the
// final zero).
const maxComm = 15

// DefaultDeny lists programs that open every file they come upon, although nobody asked for it: indexers of names and
// contents, makers of thumbnails, and virus scanners that are run over whole trees. It leaves out programs that do so
// as part of something else: KDE makes thumbnails in kioworker, which also copies files. It leaves out scanners that
// look at what other programs open (clamonacc and the like) too: the kernel would deny those programs what the scanner
// cannot read (fanotify(7), FAN_OPEN_PERM).
func DefaultDeny() []string {
	return []string{
		"updatedb", "updatedb.plocate", "updatedb.mlocate", "updatedb.findut", // the last is a script: 15 characters of its name
		"tracker-miner-fs-3", "tracker-miner-fs", "tracker-extract-3", "tracker-extract", // GNOME
		"localsearch-3", "localsearch-extractor-3",
		"totem-video-thumbnailer", "gst-video-thumbnailer", "shotwell-video-thumbnailer",
		"baloo_file", "baloo_file_extractor", // KDE
		"tumblerd", "ffmpegthumbnailer", "xplayer-video-thumbnailer", // Xfce, Cinnamon
		"recollindex",
		"clamscan", "clamdscan", "clamd", "savscand", "aide",
	}
}

// deny keeps programs from opening files. It is a guard against programs that mean no harm: one that wants to gets
// around it by another name.
type deny struct {
	logger *slog.Logger
	// names are whole, short are cut as the kernel cuts them.
	names, short map[string]bool
	logged       *once

	denied, unresolved atomic.Int64
}

// newDeny denies programs of certain names. Without any it lets all programs open files.
func newDeny(names []string, logger *slog.Logger) *deny {
	d := &deny{logger: logger, names: make(map[string]bool), short: make(map[string]bool), logged: newOnce()}
	for _, name := range names {
		d.names[name] = true
		d.short[name[:min(len(name), maxComm)]] = true
	}
	return d
}

// opens reports whether a process may open a file.
func (d *deny) opens(p process, path string) bool {
	if len(d.names) == 0 {
		return true
	}
	if p.name() == "" {
		if d.unresolved.Add(1) == 1 {
			d.logger.Info("a program that cannot be told, in another pid namespace or already gone, may open files; --deny does not apply to it",
				"path", path, "uid", p.uid)
		}
		return true
	}
	name, ok := d.match(p)
	if !ok {
		return true
	}
	d.denied.Add(1)
	level := d.logged.level(slog.LevelWarn, name)
	d.logger.Log(context.Background(), level, "not opened: the program is on the list of --deny", "program", name, "pid", p.pid, "uid", p.uid,
		"path", path)
	return false
}

// match gives the name by which a program is denied. The executable's counts, and where that cannot be read the
// one that the process gives itself, cut to 15 characters by the kernel. Scripts are known by that name too: their
// executable is the interpreter.
func (d *deny) match(p process) (name string, ok bool) {
	switch {
	case p.executable == "":
		return p.comm, d.short[p.comm]
	case d.names[p.executable]:
		return p.executable, true
	}
	return p.comm, d.names[p.comm]
}

// Denials is what became of programs that opened files.
type Denials struct {
	// Denied counts opens that were refused, Unresolved those by programs that cannot be told.
	Denied, Unresolved int64
}

// Denials counts what Options.Deny has done so far.
func (s *Server) Denials() Denials {
	return Denials{Denied: s.deny.denied.Load(), Unresolved: s.deny.unresolved.Load()}
}
