//go:build containers && e2e

package packaging_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipfs/cmd/internal/harness"
)

const (
	// unit serves cameras, and fstabUnit what a line of fstab mounts.
	unit, cameras     = "clipfs@mnt-cameras.service", "/mnt/cameras"
	fstabUnit, yard   = "mnt-yard.mount", "/mnt/yard"
	byHand            = "/mnt/attic"
	environmentOfUnit = "AWS_REGION=us-east-1\nAWS_ACCESS_KEY_ID=any\nAWS_SECRET_ACCESS_KEY=any\nCLIPFS_CACHE_MIN_FREE=0\nCLIPFS_GRACE=5s\n"
)

// TestBoots boots a Debian with systemd, in which the package is installed: the unit serves, is started again by the watchdog
// and after a kill, with files open on it, and at the next boot; an upgrade replaces the program that runs; a mount of fstab
// whose process has died can be mended.
func TestBoots(t *testing.T) {
	needGuest(t)
	tree, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	old, _ := build(t, tree, "1.2.3")
	upgraded, _ := build(t, tree, "1.2.4")
	e := harness.StartEmulator(t, "--stream", "door=testcard")
	g := newGuest(t)
	for name, path := range map[string]string{"old.deb": old, "new.deb": upgraded} {
		harness.Run(t, "cp", path, filepath.Join(g.root, "opt", name))
	}
	g.write("etc/clipfs/mnt-cameras.env", environmentOfUnit+"CLIPFS_ENDPOINT_URL="+e.Endpoint+"\n")
	g.write("etc/systemd/system/clipfs@.service.d/soon.conf", "[Service]\nWatchdogSec=3s\nRestartSec=100ms\n")
	g.boot()
	g.run("dpkg", "-i", "/opt/old.deb")
	g.run("systemctl", "enable", "--now", unit)
	g.serves("start")
	t.Run("watchdog", func(t *testing.T) { g.at(t).diesOf("STOP", "watchdog") })
	t.Run("kill", func(t *testing.T) { g.at(t).diesOf("KILL", "signal") })
	t.Run("restart in use", func(t *testing.T) { g.at(t).restart() })
	t.Run("fstab", func(t *testing.T) { g.at(t).fstab(e.Endpoint) })
	t.Run("upgrade", func(t *testing.T) { g.at(t).upgrade(e.Endpoint) })
	t.Run("reboot", func(t *testing.T) { g.at(t).reboot() })
}

// at is the same for a subtest.
func (g *guest) at(t *testing.T) *guest {
	of := *g
	of.t = t
	t.Cleanup(func() { g.init, g.ended = of.init, of.ended })
	return &of
}

// serves waits until the unit is active and its mount lists the stream.
func (g *guest) serves(when string) {
	g.t.Helper()
	g.eventually(when+": the unit serves", func() bool {
		if g.property(unit, "ActiveState") != "active" {
			return false
		}
		out, err := g.try("ls", cameras)
		return err == nil && strings.TrimSpace(out) == "door"
	})
	if status := g.property(unit, "StatusText"); !strings.Contains(status, "serving "+cameras) {
		g.t.Errorf("%s: status %q", when, status)
	}
}

// diesOf sends the unit's process a signal; systemd has to notice and start it again.
func (g *guest) diesOf(signal, result string) {
	before, restarts := g.property(unit, "MainPID"), g.property(unit, "NRestarts")
	g.run("kill", "-"+signal, before)
	g.eventually("the unit is started again after "+signal, func() bool {
		return g.property(unit, "NRestarts") != restarts && g.property(unit, "MainPID") != before
	})
	g.serves("after " + signal)
	said := strings.Join(g.journal("-u", unit), "\n")
	if want := "Failed with result '" + result + "'"; !strings.Contains(said, want) {
		g.t.Errorf("want %q in the journal:\n%s", want, said)
	}
}

// restart restarts the unit while a file is open on it.
func (g *guest) restart() {
	g.run("systemd-run", "--unit=reader", "sh", "-c", "exec sleep 600 <"+cameras+"/door/last/10s.mp4")
	g.eventually("the reader holds a file", func() bool {
		out, _ := g.try("sh", "-c", "ls -l /proc/$(systemctl show -P MainPID reader)/fd")
		return strings.Contains(out, cameras)
	})
	before := g.property(unit, "MainPID")
	g.run("systemctl", "restart", unit)
	if after := g.property(unit, "MainPID"); after == before {
		g.t.Errorf("process %s serves after a restart too", after)
	}
	g.serves("after a restart in use")
	g.run("systemctl", "stop", "reader")
}

// fstab mounts by a line of fstab; systemd does not notice that its process dies, but both ways to mount again mend it.
func (g *guest) fstab(endpoint string) {
	g.write("root/.aws/config", "[profile site]\nregion = us-east-1\naws_access_key_id = any\naws_secret_access_key = any\n")
	g.write("etc/fstab", "site "+yard+" clipfs _netdev,nofail,allow_other,cache-dir=/var/cache/clipfs/yard,cache_min_free=0,grace=1s,endpoint-url="+endpoint+" 0 0\n")
	g.run("systemctl", "daemon-reload")
	g.run("systemctl", "start", fstabUnit)
	if out := g.run("ls", yard); strings.TrimSpace(out) != "door" {
		g.t.Errorf("%s lists %q", yard, out)
	}
	if out, err := g.try("mount", "-o", "remount,ro", yard); err == nil || !strings.Contains(out, "unmount it and mount it again") {
		g.t.Errorf("remount: %v, %s", err, out)
	}
	for _, mend := range [][]string{{"mount", yard}, {"systemctl", "restart", fstabUnit}} {
		g.run("sh", "-c", "kill -9 $(cut -d' ' -f1 /var/cache/clipfs/yard/lock)")
		g.eventually("the dead mount does not answer", func() bool {
			out, err := g.try("ls", yard)
			return err != nil && strings.Contains(out, "not connected")
		})
		if state := g.property(fstabUnit, "ActiveState"); state != "active" {
			g.t.Errorf("a dead mount is %s; cmd/clipfs/README.md says that systemd takes it for active", state)
		}
		g.run(mend...)
		if out, err := g.try("ls", yard); err != nil || strings.TrimSpace(out) != "door" {
			g.t.Errorf("after %q it lists %q, %v", mend, out, err)
		}
		g.run("systemctl", "daemon-reload") // systemd has read the table of mounts then, which it does not do at each change
	}
	g.run("systemctl", "stop", fstabUnit)
}

// upgrade installs a newer package: the unit runs the new program, and what was mounted by hand is named.
func (g *guest) upgrade(endpoint string) {
	g.run("mkdir", byHand)
	g.run("env", "AWS_PROFILE=site", "HOME=/root", "clipfs", "mount", "--daemon", "--endpoint-url", endpoint, "--cache-dir", "/var/cache/clipfs/attic",
		"--cache-min-free", "0", "--grace", "1s", byHand)
	before := g.property(unit, "MainPID")
	out := g.run("dpkg", "-i", "/opt/new.deb")
	if !strings.Contains(out, "still runs the old program") || !strings.Contains(out, byHand) || strings.Contains(out, cameras) {
		g.t.Errorf("the upgrade says: %s", out)
	}
	g.serves("after the upgrade")
	after := g.property(unit, "MainPID")
	if exe := strings.TrimSpace(g.run("readlink", "/proc/"+after+"/exe")); after == before || exe != "/usr/bin/clipfs" {
		g.t.Errorf("process %s of %s, %s before, runs after the upgrade", after, exe, before)
	}
	g.run("clipfs", "umount", byHand)
}

// reboot boots again: what was enabled serves, and what served before ended well, before the shutdown went on.
func (g *guest) reboot() {
	_, _ = g.try("systemctl", "reboot")
	g.awaitEnd()
	g.boot()
	g.serves("after a reboot")
	said := g.journal("-b", "-1", "-u", unit)
	if !slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, "msg=unmounted") }) {
		g.t.Errorf("the boot before did not unmount:\n%s", strings.Join(said, "\n"))
	}
	all := g.journal("-b", "-1")
	stopped := slices.IndexFunc(all, func(line string) bool { return strings.HasPrefix(line, "Stopped "+unit) })
	down := slices.IndexFunc(all, func(line string) bool { return strings.HasPrefix(line, "Reached target umount.target") })
	if stopped < 0 || down < 0 || stopped > down {
		g.t.Errorf("stopped at line %d, filesystems unmounted at %d, of:\n%s", stopped, down, strings.Join(all[max(0, len(all)-60):], "\n"))
	}
}
