package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"clipfs/cmd/internal/build"

	"clipfs/cmd/clipfs/internal/mounthelper"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages to a directory",
		Long: `Write the manual pages to a directory: one for each command in DIR/man1, and mount.clipfs(8) in DIR/man8. man -l FILE
shows one.`,
		Example:           "  clipfs man /usr/local/share/man",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeDirectory,
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeMan(cmd.Root(), args[0])
		},
	}
}

func writeMan(root *cobra.Command, dir string) error {
	commands, admin := filepath.Join(dir, "man1"), filepath.Join(dir, "man8")
	if err := errors.Join(os.MkdirAll(commands, 0o755), os.MkdirAll(admin, 0o755)); err != nil {
		return err
	}
	header := &doc.GenManHeader{Title: "CLIPFS", Section: "1", Source: "clipfs", Manual: "clipfs", Date: builtAt()}
	root.DisableAutoGenTag = true // no date of today: the same program writes the same pages
	if err := doc.GenManTree(root, header, commands); err != nil {
		return fmt.Errorf("manual pages: %w", err)
	}
	helper := helperCommand()
	helper.DisableAutoGenTag = true
	page, err := os.Create(filepath.Join(admin, mounthelper.Name+".8"))
	if err != nil {
		return err
	}
	header.Title, header.Section = "MOUNT.CLIPFS", "8"
	return errors.Join(doc.GenMan(helper, header, page), page.Close())
}

// builtAt is when what this program was built from was committed; a fixed day where that is not known.
func builtAt() *time.Time {
	if at := build.Read().Time; at != nil {
		return at
	}
	at := time.Unix(0, 0).UTC()
	return &at
}
