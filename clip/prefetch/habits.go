package prefetch

import (
	"sync"

	"clipfs/clip/archive"

	lru "github.com/hashicorp/golang-lru/v2"
)

// DefaultCopiers lists programs that read every file that they open from its front to its end, whatever it is, to copy it, to pack it or to sum it up. It
// leaves out those that may stop early, or be told to (cat, dd, cmp), and those that also look into files, as file managers do.
func DefaultCopiers() []string {
	return []string{
		"cp", "rsync", "scp", "cpio", "tar", "bsdtar", "zip", "7z", "7za", "7zz", "restic",
		"cksum", "md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "b2sum", "b3sum",
	}
}

// maxPrograms is how many programs are remembered, those that read last.
const maxPrograms = 256

// wholeShare is which share of a clip has to be read front to back for it to be read whole, in tenths: reads that arrive in parallel may
// leave gaps.
const wholeShare = 9

// wholeSpeed is how many times as fast as it plays, at least, a clip is read by a program that does not play it.
const wholeSpeed = 4

// wholeTimes is how many clips in a row a program has to have read whole to be taken to do so again in another process, which may be told
// to do something else with its clip.
const wholeTimes = 2

// copierTimes is how many times Options.ReadAhead a copier's first clip may bring while it opens: what else comes is called for by reads.
const copierTimes = 2

// program is told by its user and its name: a copy of many files may be as many processes.
type program struct {
	uid     uint32
	command string
}

// programOf gives the program that an operation is of; false where it has no name.
func programOf(op archive.Operation) (program, bool) {
	return program{op.UID, op.Command}, op.Command != ""
}

// habit is how a program has read the last clip that it had open, one of many parts.
type habit struct {
	// size is how many bytes that clip has, if it was read whole, faster than anybody plays it; else 0. times is how many were in a row.
	size  int64
	times int
	// pid is the process that read it; 0 where that is not known.
	pid uint32
	// spent says that another clip was opened since that made use of it.
	spent bool
}

// holds reports whether it tells how a process reads.
func (h habit) holds(pid uint32) bool {
	return h.size > 0 && (h.times >= wholeTimes || h.pid == pid && pid != 0)
}

// habits is what is known of programs. One that has read its last clip whole is taken to read the next one whole too, and a copier its first one.
type habits struct {
	// copiers has the names of copiers. One that is new is taken to have read a clip of trust bytes.
	copiers map[string]bool
	trust   int64

	// mu makes changes of by whole.
	mu sync.Mutex
	by *lru.Cache[program, habit]
}

func newHabits(copiers []string, trust int64) *habits {
	by, err := lru.New[program, habit](maxPrograms)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	h := &habits{copiers: make(map[string]bool, len(copiers)), trust: trust, by: by}
	for _, name := range copiers {
		h.copiers[name] = true
	}
	return h
}

// ofLocked gives what is known of a program, or what a copier is taken for.
func (h *habits) ofLocked(who program) habit {
	known, ok := h.by.Get(who)
	if !ok && h.copiers[who.command] {
		return habit{size: h.trust, times: wholeTimes}
	}
	return known
}

// note notes how an operation's program has read a clip of so many bytes.
func (h *habits) note(op archive.Operation, size int64, whole bool) {
	who, ok := programOf(op)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := habit{pid: op.PID}
	if whole {
		now.size, now.times = size, h.ofLocked(who).times+1
	}
	h.by.Add(who, now)
}

// readsWhole reports whether an operation's program has read its last clip whole.
func (h *habits) readsWhole(op archive.Operation) bool {
	who, ok := programOf(op)
	if !ok {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ofLocked(who).holds(op.PID)
}

// spend gives how many bytes an operation's program has read whole last, or is taken to. That is so once: then it is 0 until note is called.
func (h *habits) spend(op archive.Operation) int64 {
	who, ok := programOf(op)
	if !ok {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.ofLocked(who)
	if known.spent || !known.holds(op.PID) {
		return 0
	}
	known.spent = true
	h.by.Add(who, known)
	return known.size
}
