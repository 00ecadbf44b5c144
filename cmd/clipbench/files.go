package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"

	"github.com/spf13/cobra"
)

// filesCommand is a plain file server in a process of its own, for a browser: a benchmark that read a mount by itself could wait
// for what it has to answer.
const filesCommand = "files"

// pageName is the page of a player that the server has besides the files, pageText what is on it.
const (
	pageName = "/player.html"
	pageText = "<!doctype html><title>clipbench</title><video muted playsinline width=320 height=180></video>"
)

func newFilesCommand(stdout io.Writer) *cobra.Command {
	return hiddenCommand(filesCommand+" DIRECTORY", "Serve the files of a directory to a browser", 1,
		func(ctx context.Context, args []string) error { return serveFiles(ctx, args[0], stdout) })
}

// serveFiles serves until ctx ends, and first says where in a line of JSON.
func serveFiles(ctx context.Context, dir string, stdout io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	types := map[string]string{".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}
	files := http.FileServer(http.Dir(dir))
	server := &http.Server{ReadHeaderTimeout: readyAfter, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == pageName {
			_, _ = io.WriteString(w, pageText)
			return
		}
		if kind := types[path.Ext(r.URL.Path)]; kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		files.ServeHTTP(w, r)
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if _, err := fmt.Fprintf(stdout, "{\"endpoint\":\"http://%s\"}\n", listener.Addr()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
