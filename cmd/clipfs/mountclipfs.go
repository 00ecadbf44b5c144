package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"

	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/cmd/clipfs/internal/mounthelper"
	"clipfs/cmd/internal/logs"

	"github.com/spf13/cobra"
)

// The exit codes of a helper of mount(8) (mount(8), EXIT STATUS).
const (
	helperUsage  = 1
	helperFailed = 32
)

// runAs is the whole program under the name it was called by: as mount(8)'s helper it understands what that passes on.
func runAs(ctx context.Context, argv []string, stdout, stderr io.Writer) int {
	if filepath.Base(argv[0]) != mounthelper.Name {
		return run(ctx, argv[1:], stdout, stderr)
	}
	call, err := mounthelper.Parse(argv[1:], mountCommand(nil).Flags())
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %s\n", mounthelper.Name, logs.OneLine(err))
		return helperUsage
	}
	if call.Fake {
		return exitOK
	}
	if err := prepare(call); err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: profile %q: %v\n", mounthelper.Name, call.Source, err)
		return helperUsage
	}
	args := append([]string{config.MountCommand, "--daemon", "--fsname=" + call.Source}, call.Args...)
	switch run(ctx, append(args, "--", call.Dir), stdout, stderr) {
	case exitOK:
		return exitOK
	case exitUsage:
		return helperUsage
	}
	return helperFailed
}

// prepare makes the environment what clipfs mount wants: mount(8) gives a user's helper neither PATH nor HOME, and a profile
// is named by a variable.
func prepare(call mounthelper.Call) error {
	if os.Getenv("HOME") == "" && os.Geteuid() != 0 {
		if u, err := user.Current(); err == nil && u.HomeDir != "" {
			if err := os.Setenv("HOME", u.HomeDir); err != nil {
				return err
			}
		}
	}
	if os.Getenv("PATH") == "" {
		if err := os.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"); err != nil {
			return err
		}
	}
	if profile := call.Profile(); profile != "" {
		return os.Setenv(config.ProfileVariable, profile)
	}
	return nil
}

func helperCommand() *cobra.Command {
	return &cobra.Command{
		Use:   mounthelper.Name + " SOURCE DIR [-sfnv] [-o OPTIONS]",
		Short: "Mount clipfs by mount(8) and from fstab",
		Long: `mount(8) runs this for the type clipfs, from a command line or from fstab. It mounts in the background, as
clipfs mount --daemon does, and returns when the mount serves.

SOURCE is a profile of the AWS configuration (~/.aws/config, ~/.aws/credentials), or "none" for what the SDK's default
chain finds. Credentials are never options, because everybody can read options.

OPTIONS are the flags of clipfs-mount(1), without the leading dashes and separated by commas; underscores may replace
dashes. A flag that can be repeated takes its values with a colon between them: stream=front-door:yard. A value with
a comma goes in double quotes. Options that any filesystem can have in fstab (defaults, nofail, noauto, _netdev, user,
ro, rw, x-systemd.automount, comment=…) are left to mount(8) and systemd; the mount is read-only in any case.

Where HOME is not set and root mounts, as at boot, the cache is ` + mount.SystemCacheDir + `; a second mount needs a cache-dir of its own.

Exit codes are those of mount(8): 0 done, 1 wrong usage, 32 failed.`,
		Example: `  mount -t clipfs none /mnt/cameras
  mount -t clipfs -o cache-size=50GiB,allow_other,stream=front-door:yard site-a /mnt/site-a

In /etc/fstab:

  site-a  /mnt/site-a  clipfs  _netdev,nofail,allow_other,cache-dir=/var/cache/clipfs/site-a  0  0`,
		Run: func(*cobra.Command, []string) {},
	}
}
