package main

import (
	"github.com/spf13/cobra"

	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"
)

// serveCommand is clipfs serve, of a program that was run with args.
func serveCommand(args []string) *cobra.Command {
	c := mount.Default()
	c.Args = args
	cmd := &cobra.Command{
		Use:   "serve [flags] [ADDRESS]",
		Short: "Show the streams in a browser, and to programs that mount over WebDAV",
		Long: `Serve the tree that "clipfs mount" mounts over HTTP instead, at ADDRESS (default ` + mount.DefaultAddress + `), until interrupted: for browsers,
players and WebDAV clients. It needs neither FUSE nor privileges. Every path of a mount is a URL:
http://` + mount.DefaultAddress + `/front-door/2024-01-01T10:00/10m.mp4.

Only this machine reaches it unless ADDRESS says otherwise, and then somebody has to say who may look: --auth FILE with names and
passwords (and --tls-cert with --tls-key, as passwords must not travel unencrypted), or --no-auth.

Credentials, region and profile are found as "clipfs mount" finds them.`,
		Example: `  clipfs serve
  clipfs serve --endpoint-url http://127.0.0.1:4580 127.0.0.1:8081
  clipfs serve --auth /etc/clipfs.htpasswd --tls-cert cert.pem --tls-key key.pem --host cameras.example 0.0.0.0:443`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Web.Address = mount.DefaultAddress
			if len(args) == 1 {
				if err := c.Web.SetAddress(args[0]); err != nil {
					return err
				}
			}
			c.Told = config.Told(cmd)
			return mount.RunWeb(cmd.Context(), c, cmd.ErrOrStderr())
		},
	}
	c.BindWeb(cmd.Flags())
	config.WithFile(cmd)
	return cmd
}
