package emulator

import (
	"context"
	"net/http"
	"strings"

	"clipfs/clip/emulator/session"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

// getHLSSession opens a session that is played with HLS.
func (s *Server) getHLSSession(c *call, in session.HLSInput) (any, error) {
	url, err := s.openSession(c, wire.GetHLSStreamingSessionURL, in.StreamRef, session.HLS, in.Order())
	return struct{ HLSStreamingSessionURL string }{url}, err
}

// getDASHSession opens a session that is played with MPEG-DASH.
func (s *Server) getDASHSession(c *call, in session.DASHInput) (any, error) {
	url, err := s.openSession(c, wire.GetDASHStreamingSessionURL, in.StreamRef, session.DASH, in.Order())
	return struct{ DASHStreamingSessionURL string }{url}, err
}

// openSession opens a session and gives the URL with which a player begins.
func (s *Server) openSession(c *call, api wire.API, ref wire.StreamRef, p session.Protocol, o session.Order) (string, error) {
	st, err := s.find(c, ref)
	if err != nil {
		return "", err
	}
	if !st.Quota.Take(api, c.now) {
		return "", wire.Throttled(api, string(st.Name))
	}
	current := func() (streams.Stream, error) { return s.streams.Current(st) }
	token, err := s.sessions.Open(p, o, session.Source{Stream: current, NoQuota: s.options.NoQuota}, c.now)
	if err != nil {
		return "", refuseMedia(err)
	}
	return s.scheme() + c.r.Host + p.URL(token), nil
}

// withSessions adds the resources of sessions to the operations of the data listener. They are no operations: their token is all that
// they need.
func (s *Server) withSessions(others http.Handler, p wire.Pace) http.Handler {
	mux := http.NewServeMux()
	for _, protocol := range []session.Protocol{session.HLS, session.DASH} {
		for _, name := range protocol.Names() {
			mux.HandleFunc("GET "+protocol.Path()+name.File, func(w http.ResponseWriter, r *http.Request) {
				c := &call{r: r, operation: wire.Operation{API: name.API}, now: s.clock.Now()}
				s.answer(c, p, w, func(ctx context.Context) (answer, error) {
					got, stream, err := s.sessions.Get(ctx, protocol, name, r.URL.Query(), c.now)
					c.stream, c.fragments = stream, got.Fragments
					if err != nil {
						return nil, refuseMedia(err)
					}
					return &bytesAnswer{status: http.StatusOK, contentType: got.ContentType, body: got.Body}, nil
				})
			})
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, session.HLS.Path()) || strings.HasPrefix(r.URL.Path, session.DASH.Path()) {
			mux.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}
