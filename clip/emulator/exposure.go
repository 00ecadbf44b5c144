package emulator

import "net"

// warnExposed says loudly who can reach a listener that is not for this machine alone.
func (s *Server) warnExposed(what string, addr net.Addr) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() {
		return
	}
	s.log.Warn("EXPOSED: the emulator is not on loopback. Whoever reaches it over the network, unencrypted, can read, add and delete all of its "+
		"footage, and make it fail; credentials guard all but /_emulator/",
		"api", what, "address", addr.String())
}
