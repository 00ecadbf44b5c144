// Package known finds out what this machine knows of the mounts that a command may be asked about: of those that run, from
// their .clipfs/status.json, and of those that systemd starts, from the environment of their units, /etc/clipfs/NAME.env.
//
//	Machine.Find   path → the settings of the mount there, those of the running mount before those of the unit
//	Read           the status of a mount, read by a process of its own, as a mount that does not answer blocks its reader
//	Names          NAME.env ↔ mountpoint, as systemd-escape --path writes it
package known

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"clipfs/fs"
	"clipfs/fs/mountinfo"
)

// Settings is what is known of a mount from one source.
type Settings struct {
	// Mountpoint is where it is, or is to be.
	Mountpoint string
	// Source says for people where the settings are from.
	Source string
	// Flags are values of flags of clipfs mount, by the name of the flag.
	Flags map[string][]string
	// Config is the file of settings that it was told, empty for none; it goes behind Flags.
	Config string
	// CacheDir goes behind Config.
	CacheDir string
	// Environment has variables of the SDK (AWS_…) and proxies.
	Environment map[string]string
	// Err says why a mount that runs does not tell its settings. Then there are none.
	Err error
}

// Machine is where mounts are looked for. Its zero value knows of none.
type Machine struct {
	// Dir has the environments of units.
	Dir string
	// Mounts lists what is mounted, Read gives the status of a mount that runs.
	Mounts func() ([]mountinfo.Info, error)
	Read   func(ctx context.Context, mountpoint string) ([]byte, error)
	// UID is the user that asks.
	UID int
}

// Here is the machine that this runs on. read gives the status of a mount.
func Here(read func(ctx context.Context, mountpoint string) ([]byte, error)) Machine {
	return Machine{Dir: environmentDir, Mounts: mountinfo.List, Read: read, UID: os.Geteuid()}
}

// AmbiguousError says that several mounts fit.
type AmbiguousError struct{ Mountpoints []string }

func (e *AmbiguousError) Error() string {
	n := len(e.Mountpoints)
	return fmt.Sprintf("%s and %s both fit: name one of them", strings.Join(e.Mountpoints[:n-1], ", "), e.Mountpoints[n-1])
}

// Find gives the settings of the mount that a path is on or that is to be there; of the only one that there is, if path is
// empty. What goes before comes first. It is empty where nothing is known, and an *AmbiguousError where several fit.
func (m Machine) Find(ctx context.Context, path string) ([]Settings, error) {
	running, err := m.running(path)
	if err != nil {
		return nil, err
	}
	if path == "" {
		running = slices.DeleteFunc(running, func(i mountinfo.Info) bool { return !m.mine(i) })
	}
	if len(running) > 1 {
		return nil, ambiguous(running, func(i mountinfo.Info) string { return i.Mountpoint })
	}
	var found []Settings
	mountpoint := path
	if len(running) == 1 {
		mountpoint = running[0].Mountpoint
		found = append(found, m.ask(ctx, mountpoint))
	}
	units, err := m.units(mountpoint)
	if err != nil {
		return found, err
	}
	if len(units) > 1 {
		return found, ambiguous(units, func(s Settings) string { return s.Mountpoint })
	}
	return append(found, units...), nil
}

func ambiguous[T any](all []T, mountpoint func(T) string) error {
	e := &AmbiguousError{}
	for _, one := range all {
		e.Mountpoints = append(e.Mountpoints, mountpoint(one))
	}
	return e
}

// running gives the mounts of ours that a path is on, which is one at most; all, each once, if it is empty.
func (m Machine) running(path string) ([]mountinfo.Info, error) {
	if m.Mounts == nil {
		return nil, nil
	}
	all, err := m.Mounts()
	if err != nil {
		return nil, err
	}
	if path == "" {
		var ours []mountinfo.Info
		for _, i := range all {
			same := func(o mountinfo.Info) bool { return o.Device() == i.Device() }
			if i.FSType == fs.FSType && !slices.ContainsFunc(ours, same) { // a bind mount of another is no other mount
				ours = append(ours, i)
			}
		}
		return ours, nil
	}
	on, err := mountinfo.Below(all, path)
	if err != nil || on.FSType != fs.FSType {
		return nil, nil //nolint:nilerr // there is no mount of ours
	}
	return []mountinfo.Info{on}, nil
}

// mine reports whether the user owns a mount, or is root where root is let in.
func (m Machine) mine(i mountinfo.Info) bool {
	return slices.Contains(i.Options, fmt.Sprintf("user_id=%d", m.UID)) || m.UID == 0 && slices.Contains(i.Options, "allow_other")
}

func (m Machine) ask(ctx context.Context, mountpoint string) Settings {
	s := Settings{Mountpoint: mountpoint, Source: "the mount on " + mountpoint}
	text, err := m.Read(ctx, mountpoint)
	if err == nil {
		err = s.parse(text)
	}
	if err != nil {
		s.Err = fmt.Errorf("%s does not tell its settings: %w", mountpoint, err)
	}
	return s
}

// errSilent: the mount has not answered in time.
var errSilent = errors.New("no answer")
