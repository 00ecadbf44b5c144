// Package web shows a tree.Tree over HTTP: every path of the mount is a URL. It is a face of the tree beside package fs, and
// read-only.
//
//	request → guard (Host, credentials, limits, headers) → route (path → entry) → file, listing, redirect or WebDAV answer
//
//	listen.go       a server: time-outs, TLS, the end
//	connections.go  how many connections there are at once, of whom, and what they take from the disk
//	server.go       a Handler: each request from its beginning to the line in the log
//	guard.go        who may ask: Host, credentials, methods, the headers that browsers go by
//	password.go     credentials: an htpasswd file, what was verified lately, and how login attempts are slowed
//	route.go        what a path leads to
//	face.go         what the answers share: paths to entries, redirects
//	file.go         a file: conditions, bytes as they come
//	ranges.go       which bytes a request is for
//	buffers.go      memory and stretches of the disk that bodies are sent from
//	listing.go      a directory as a page or as JSON, attributes of entries
//	calendar.go     the days of a camera as months
//	page.go         pages for people: cameras, a camera's days, a day; their files are in page/
//	dav.go          PROPFIND, for programs that mount (WebDAV, RFC 4918, class 1)
//	answer.go       errors as status codes; one sentence why, as text or JSON
//
// # Files
//
// The ETag is the version of the file (tree.File.Version). A GET or HEAD opens the file, which waits for its exact size, and is
// then served by http.ServeContent, but the status is only sent with the first bytes: what fails before there are any is an
// error with a reason. What fails later ends the connection, so that nobody takes a part for the whole.
//
// A path whose file is another one from moment to moment (last/10m.mp4, latest/…) redirects to the path of what it is now:
// a player that seeks asks again and must not meet another file.
//
// Bytes that are on the disk, and were checked where that has to be, go from there to the client (sendfile(2)), unless they have to be
// encrypted: tree.OnDisk tells where they are. All others go by a buffer, which is small where many are under way.
//
// # Who waits for whom
//
// There are as many connections as files and memory are for, and of one client address no more than half of them. Those that wait for a
// request, or send one slowly, go first where others need the place; one whose client takes nothing for two minutes is ended.
//
// Each request has its own context, which ends when its client goes away, and with it what only that client waited for. Opens
// that wait for the archive are bounded a client address, so that one client cannot keep all others waiting.
//
// # Locks
//
// passwords.mu guards what was verified and which logins failed, gate.mu the opens of addresses, connections.mu the connections,
// certificate.mu the certificate. None is held while another is taken or during I/O, but for reading the files of passwords and certificates.
package web
