package main

import (
	"github.com/spf13/cobra"

	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"
)

// mountCommand is clipfs mount, of a program that was run with args.
func mountCommand(args []string) *cobra.Command {
	c := mount.Default()
	c.Args = args
	printed := false
	cmd := &cobra.Command{
		Use:   config.MountCommand + " [flags] MOUNTPOINT",
		Short: "Mount the streams of an account and region on an empty directory",
		Long: `Mount the streams of an account and region on an empty directory, and serve them until interrupted (SIGINT,
SIGTERM) or unmounted, in the foreground or with --daemon in the background. When interrupted, clipfs takes the mount out
of the tree, so that another can take its place, and serves open files for as long as --grace says; a second signal ends
it at once.

Credentials, region and profile come from the AWS SDK's default chain: AWS_PROFILE, AWS_REGION, AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, ~/.aws, or the role of the host. Without any it does not start. It does start while the service
cannot be reached: the mount works as soon as the service does.`,
		Example: `  clipfs mount /mnt/cameras
  clipfs mount --endpoint-url http://127.0.0.1:4580 --cache-size 50GiB /mnt/cameras
  clipfs mount --config /etc/clipfs.yaml --print-config`,
		Args: func(cmd *cobra.Command, args []string) error {
			if printed {
				return cobra.MaximumNArgs(1)(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		ValidArgsFunction: completeDirectory,
		RunE: func(cmd *cobra.Command, args []string) error {
			if printed {
				return printMount(cmd, &c)
			}
			c.Told = config.Told(cmd)
			return mount.Run(cmd.Context(), c, cmd.ErrOrStderr(), args[0])
		},
	}
	c.Bind(cmd.Flags())
	cmd.Flags().BoolVar(&printed, config.PrintFlag, false, "show what is in force and where it comes from, as a config file, and mount nothing")
	config.WithFile(cmd)
	return cmd
}

// printMount shows the flags as a config file, unless the mount would refuse them.
func printMount(cmd *cobra.Command, c *mount.Config) error {
	if err := c.Check(); err != nil {
		return err
	}
	if dir, err := mount.DefaultCacheDir(); c.CacheDir == "" && err == nil {
		c.CacheDir = dir
	}
	return config.Print(cmd, cmd.OutOrStdout())
}
