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
	for _, name := range []string{"Content-Length", "Etag", "Last-Modified", "Accept-Ranges", "Content-Disposition"} {
		h.Del(name) // those of the file that could not be had
	}
	if status != http.StatusRequestedRangeNotSatisfiable {
		h.Del("Content-Range")
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

// wantsJSON tells whether the client wants JSON more than anything that a browser shows (RFC 9110 12.5.1). Of what it wants as much, that
// counts which it names first; a client that names neither gets text.
func wantsJSON(r *http.Request) bool {
	var json, text float64
	for _, accepted := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(accepted, ",") {
			kind, parameters, _ := strings.Cut(one, ";")
			weight := weightOf(parameters)
			switch strings.ToLower(strings.TrimSpace(kind)) {
			case "application/json":
				if weight > text {
					json = max(json, weight)
				}
			case "text/html", "text/*", "text/plain", "application/xhtml+xml":
				if weight > json {
					text = max(text, weight)
				}
			}
		}
	}
	return json > text
}

// weightOf is how much something is wanted, by its parameters: from 0, not at all, to 1.
func weightOf(parameters string) float64 {
	for one := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		if weight, err := strconv.ParseFloat(value, 64); err == nil && weight >= 0 && weight <= 1 {
			return weight
		}
		return 0
	}
	return 1
}

// sentence is why, in words for people: what the error says in one line.
func sentence(row statusRow, err error) string {
	if row.status == http.StatusNotFound && errors.Is(err, archive.ErrName) && err.Error() == archive.ErrName.Error() {
		return "there is nothing of that name"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// client is the address that a request comes from, without its port.
func client(r *http.Request) string { return hostOf(r.RemoteAddr) }

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
