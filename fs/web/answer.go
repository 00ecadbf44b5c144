package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"clipfs/clip/archive"
)

// statusRow is how an error of the tree is answered.
type statusRow struct {
	is     error
	status int
	// after is the Retry-After of the answer in seconds; 0 for none.
	after int
}

// statusTable is the one way from an error to a status (RFC 9110). The first row that matches counts, as in the table of errno in
// package fs, whose order it has.
func statusTable() []statusRow {
	return []statusRow{
		{archive.ErrName, http.StatusNotFound, 0},
		{archive.ErrNoStream, http.StatusNotFound, 0},
		{archive.ErrNoFootage, http.StatusNotFound, 0},
		{archive.ErrDenied, http.StatusForbidden, 0},
		{archive.ErrRefused, http.StatusBadGateway, 0},
		{archive.ErrInvalid, http.StatusBadRequest, 0},
		{archive.ErrMedia, http.StatusUnprocessableEntity, 0},
		{archive.ErrNoRetention, http.StatusNotFound, 0},
		{archive.ErrThrottled, http.StatusTooManyRequests, 5},
		{archive.ErrOpenWait, http.StatusServiceUnavailable, 5},
		{archive.ErrUnreachable, http.StatusGatewayTimeout, 0},
		{archive.ErrChanged, http.StatusConflict, 0},
		{archive.ErrTooBig, http.StatusUnprocessableEntity, 0},
		{archive.ErrNoSpace, http.StatusServiceUnavailable, 30},
		{archive.ErrFetchLimit, http.StatusTooManyRequests, 600},
		{errManyOpens, http.StatusTooManyRequests, 2},
		{context.Canceled, statusClientGone, 0},
		{context.DeadlineExceeded, http.StatusGatewayTimeout, 0},
	}
}

// methodPropfind is WebDAV's (RFC 4918 9.1).
const methodPropfind = "PROPFIND"

var errManyOpens = errors.New("too many files are being opened for this address at once (--opens)")

// statusClientGone is what the log has where the client went away before there was an answer; nobody gets it.
const statusClientGone = 499

// status tells how an error is answered: 500 for what has no row.
func status(err error) statusRow {
	for _, row := range statusTable() {
		if errors.Is(err, row.is) {
			return row
		}
	}
	return statusRow{err, http.StatusInternalServerError, 0}
}

// problem is an error as JSON.
type problem struct {
	Status int    `json:"status"`
	Error  string `json:"error"`
}

// refuse answers with a status and a sentence, as text or as JSON by what the client accepts. The sentence is one of ours: nothing
// of the request stands in it unescaped, and no browser takes it for anything but text.
func refuse(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	h := w.Header()
	for _, name := range []string{"Content-Length", "Content-Range", "Etag", "Last-Modified", "Accept-Ranges", "Content-Disposition"} {
		h.Del(name) // those of the file that could not be had
	}
	h.Set("Cache-Control", "no-store")
	var body []byte
	if wantsJSON(r) {
		h.Set("Content-Type", "application/json")
		body, _ = json.Marshal(problem{status, sentence}) // a number and a text always can be
	} else {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		body = fmt.Appendf(nil, "%d %s: %s\n", status, http.StatusText(status), sentence)
	}
	send(w, r, status, body)
}

// send sends a body that is in memory, or its length alone for HEAD.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that is gone needs no answer
	}
}

// wantsJSON tells whether the client names JSON before anything that a browser shows.
func wantsJSON(r *http.Request) bool {
	for _, accepted := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(accepted, ",") {
			kind, _, _ := strings.Cut(strings.TrimSpace(one), ";")
			switch strings.ToLower(kind) {
			case "application/json":
				return true
			case "text/html", "text/*", "text/plain", "application/xhtml+xml":
				return false
			}
		}
	}
	return false
}

// seconds writes a Retry-After.
func seconds(n int) string { return strconv.Itoa(n) }

// sentence is why, in words for people: what the error says in one line.
func sentence(row statusRow, err error) string {
	if row.status == http.StatusNotFound && errors.Is(err, archive.ErrName) && err.Error() == archive.ErrName.Error() {
		return "there is nothing of that name"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// client is the address that a request comes from, without its port.
func client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
