package cache_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
)

// do has the accounting do what a line says, and returns what it has decided.
func do(a *cache.Accounts, line string) string {
	words := append(strings.Fields(line), "", "", "")
	key := cache.Key(words[1])
	n, _ := strconv.ParseInt(words[2], 10, 64)
	m, _ := strconv.ParseInt(words[3], 10, 64)
	switch words[0] {
	case "acquire":
		return a.Acquire(key, n)
	case "open":
		a.Open(key)
		return ""
	case "grow":
		return a.Grow(key, n)
	case "memory":
		return a.GrowMemory(key, n)
	case "shrink":
		return a.Shrink(key, n, m)
	case "release":
		time.Sleep(time.Second) // so that one entry is paused after another
		return a.Release(key)
	case "closed":
		return a.Closed(key, words[2] == "gone")
	case "removed":
		return a.Removed(key, words[2] != "stuck")
	case "drop":
		return a.Drop(key)
	case "pin":
		return fmt.Sprint(a.Pin(key))
	case "unpin":
		return a.Unpin(key)
	case "keep":
		a.Keep(key)
		return ""
	case "giveback":
		return a.GiveBack(key)
	case "giveup":
		return fmt.Sprint(a.GiveUp())
	case "swap":
		a.Swap(key)
		return ""
	case "end":
		var err error
		if words[2] == "failed" {
			err = errFill
		}
		return a.End(key, err, words[2] == "memory")
	case "put": // an entry of so much, whole and not held
		return a.Acquire(key, 0) + " " + a.Grow(key, n) + a.End(key, nil, false) + a.Release(key)
	case "count":
		s := a.Stats()
		return fmt.Sprintf("%d whole %d held %d live, %d of disk %d claimed %d of memory", s.Whole, s.Held, s.Growing, s.Bytes, s.Claimed, s.Memory)
	}
	panic(errors.New(line))
}

// TestAccounting has the accounting of 100 bytes on disk and 50 in memory decide, without a file.
func TestAccounting(t *testing.T) {
	full := "everything on disk is in use"
	for name, script := range map[string][][2]string{
		"least recently used goes first, and no more than needed": {
			{"put a 40", "new taken 40"}, {"put b 40", "new taken 40"}, {"acquire a", "whole"}, {"release a", ""},
			{"acquire c", "new"}, {"grow c 30", "evict b"},
			{"count", "1 whole 0 held 1 live, 80 of disk 0 claimed 0 of memory"}, // b counts until its file is removed
			{"removed b", ""}, {"grow c 30", "taken 30"}, {"grow c 60", "taken 30"}, {"grow c 61", "evict a"},
		},
		"what another evicts is waited for": {
			{"put a 60", "new taken 60"}, {"put b 40", "new taken 40"}, {"acquire c", "new"}, {"acquire d", "new"},
			{"grow c 50", "evict a"}, {"grow d 10", "wait"}, {"grow d 70", "evict b"}, {"removed a", ""}, {"grow c 50", "taken 50"},
			{"grow d 10", "taken 10"}, {"removed b", ""},
			{"count", "0 whole 0 held 2 live, 60 of disk 0 claimed 0 of memory"},
		},
		"held entries stay": {
			{"put a 60", "new taken 60"}, {"acquire a", "whole"}, {"acquire b", "new"}, {"grow b 50", full},
			{"memory b 50", "taken 0"}, {"memory b 1", "no space in the cache"}, {"end b memory", ""},
			{"count", "2 whole 2 held 0 live, 60 of disk 0 claimed 50 of memory"},
			{"release b", ""}, {"count", "1 whole 1 held 0 live, 60 of disk 0 claimed 0 of memory"},
		},
		"a file that cannot be removed stays counted": {
			{"put a 60", "new taken 60"}, {"acquire b", "new"}, {"grow b 50", "evict a"}, {"removed a stuck", ""}, {"grow b 50", full},
			{"count", "0 whole 0 held 1 live, 60 of disk 0 claimed 0 of memory"}, {"grow b 40", "taken 40"},
		},
		"the fill that is paused longest gives way": {
			{"acquire a", "new"}, {"grow a 40", "taken 40"}, {"acquire b", "new"}, {"grow b 40", "taken 40"},
			{"release b", ""}, {"release a", ""}, {"acquire c", "new"}, {"grow c 50", "wait"}, {"acquire b", "new"},
			{"grow a 41", "wait"}, {"end a failed", ""},
			{"count", "0 whole 0 held 2 live, 40 of disk 0 claimed 0 of memory"}, // only b was given up, and has yet to return
			{"grow c 50", "taken 50"},
		},
		"a fill that succeeds after it was given up is kept, unless there is another": {
			{"acquire a", "new"}, {"grow a 40", "taken 40"}, {"release a", ""}, {"giveup", "true"}, {"giveup", "false"},
			{"grow a 50", "fill abandoned: nobody holds the entry"}, {"end a", ""},
			{"count", "1 whole 0 held 0 live, 40 of disk 0 claimed 0 of memory"},
			{"acquire b", "new"}, {"grow b 40", "taken 40"}, {"release b", ""}, {"giveup", "true"}, {"swap b", ""},
			{"put b 10", "new taken 10"}, {"swap b", ""}, {"end b", "remove"},
			{"count", "2 whole 0 held 0 live, 90 of disk 0 claimed 0 of memory"}, {"removed b", ""},
			{"count", "2 whole 0 held 0 live, 50 of disk 0 claimed 0 of memory"},
		},
		"an entry is pinned until its file is closed": {
			{"acquire a", "new"}, {"open a", ""}, {"grow a 60", "taken 60"}, {"end a", ""}, {"release a", "close"},
			{"acquire b", "new"}, {"grow b 50", "wait"}, {"closed a", ""}, {"grow b 50", "evict a"}, {"removed a", ""},
			{"grow b 50", "taken 50"},
		},
		"what was acquired while its file was closed stays": {
			{"acquire a", "new"}, {"open a", ""}, {"grow a 60", "taken 60"}, {"end a", ""}, {"release a", "close"},
			{"acquire a", "whole"}, {"open a", ""}, {"closed a", ""},
			{"count", "1 whole 1 held 0 live, 60 of disk 0 claimed 0 of memory"}, {"release a", "close"}, {"closed a gone", ""},
			{"count", "0 whole 0 held 0 live, 0 of disk 0 claimed 0 of memory"},
		},
		"a dropped entry counts until it is released": {
			{"put a 60", "new taken 60"}, {"acquire a", "whole"}, {"drop a", "remove"}, {"removed a", ""}, {"drop a", ""},
			{"count", "0 whole 0 held 0 live, 60 of disk 0 claimed 0 of memory"}, {"release a", ""},
			{"count", "0 whole 0 held 0 live, 0 of disk 0 claimed 0 of memory"},
		},
		"a pin is no use, and is waited for": {
			{"put a 40", "new taken 40"}, {"put b 40", "new taken 40"}, {"pin a", "true"}, {"acquire c", "new"}, {"grow c 60", "evict a"},
			{"pin a", "false"}, {"removed a", ""}, {"grow c 60", "wait"},
			{"count", "1 whole 0 held 1 live, 80 of disk 0 claimed 0 of memory"}, {"unpin a", ""}, {"grow c 60", "taken 60"},
		},
		"a pin keeps the order of use": {
			{"put a 40", "new taken 40"}, {"put b 40", "new taken 40"}, {"pin a", "true"}, {"unpin a", ""}, {"acquire c", "new"}, {"grow c 60", "evict a"},
		},
		"what was used during a pin is closed after it": {
			{"put a 40", "new taken 40"}, {"pin a", "true"}, {"acquire a", "whole"}, {"open a", ""}, {"release a", ""},
			{"count", "1 whole 1 held 0 live, 40 of disk 0 claimed 0 of memory"}, {"unpin a", "close"}, {"closed a", ""},
			{"count", "1 whole 0 held 0 live, 40 of disk 0 claimed 0 of memory"},
		},
		"what the kernel holds counts, and is not waited for": {
			{"put a 60", "new taken 60"}, {"acquire b", "new"}, {"grow b 50", "evict a"}, {"keep a", ""}, {"removed a", ""}, {"grow b 50", full},
			{"count", "0 whole 0 held 1 live, 60 of disk 0 claimed 0 of memory"}, {"giveback a", ""}, {"grow b 50", "taken 50"},
		},
		"what the kernel holds is not counted on, though it was pinned when it was evicted": {
			{"put a 60", "new taken 60"}, {"put b 40", "new taken 40"}, {"pin a", "true"}, {"acquire c", "new"}, {"grow c 40", "evict a"},
			{"keep a", ""}, {"removed a", ""}, {"unpin a", ""}, {"grow c 40", "evict b"}, {"removed b", ""}, {"grow c 40", "taken 40"},
			{"giveback a", ""}, {"grow c 100", "taken 60"}, {"end c", ""}, {"release c", ""},
			{"acquire d", "new"}, {"grow d 10", "evict c"},
		},
		"claims are of what is free or idle, and no more": {
			{"put a 30", "new taken 30"}, {"acquire b 80", "new"}, {"acquire c 80", "new"},
			{"count", "1 whole 0 held 2 live, 30 of disk 100 claimed 0 of memory"}, {"grow b 20", "taken 20"},
			{"count", "1 whole 0 held 2 live, 50 of disk 80 claimed 0 of memory"}, {"release b", ""},
			{"count", "1 whole 0 held 2 live, 50 of disk 20 claimed 0 of memory"}, {"end c failed", ""},
			{"count", "1 whole 0 held 1 live, 50 of disk 0 claimed 0 of memory"},
		},
		"what does not fit on the file system is given back, and as much evicted": {
			{"put a 30", "new taken 30"}, {"put b 30", "new taken 30"}, {"acquire c", "new"}, {"grow c 40", "taken 40"},
			{"shrink c 40 10", "evict a"}, {"count", "1 whole 0 held 1 live, 60 of disk 0 claimed 0 of memory"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := cache.NewAccounts(100, 50)
				for _, line := range script {
					if got := do(a, line[0]); got != line[1] {
						t.Fatalf("%s: got %q, want %q", line[0], got, line[1])
					}
				}
			})
		})
	}
}
