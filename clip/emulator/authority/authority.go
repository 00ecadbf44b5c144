// Package authority is a certificate authority in memory: it makes the certificate that a client asks for, of whatever name
// or address it has connected to. A client that trusts the authority's own certificate accepts all of them; its key leaves the process
// nowhere, so that nobody else can make more.
//
// Authority.mu guards the certificates made. It is held while one is made.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

const (
	// validity is how long certificates are valid, from one day before they are made, as clocks differ.
	validity = 365 * 24 * time.Hour
	// mostNames is how many certificates are kept at once, as a client can ask for any name.
	mostNames    = 256
	organization = "clipfs emulator"
)

// Authority makes certificates. It is safe for concurrent use.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey

	mu   sync.Mutex // mu guards made
	made map[string]*tls.Certificate
}

// New makes an authority with a key of its own.
func New() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	template, err := newTemplate()
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	template.Subject.CommonName = organization
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	return &Authority{certificate: certificate, key: key, made: make(map[string]*tls.Certificate)}, nil
}

// newTemplate gives what all certificates have.
func newTemplate() (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	begin := time.Now().Add(-24 * time.Hour)
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{Organization: []string{organization}},
		NotBefore: begin, NotAfter: begin.Add(validity)}, nil
}

// PEM is the authority's own certificate, which clients have to trust.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// Config gives the configuration of a server that has a certificate for each name that clients ask for, and for the address
// that they have reached where they ask for none.
func (a *Authority) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := hello.ServerName
		if tcp, ok := hello.Conn.LocalAddr().(*net.TCPAddr); ok && name == "" {
			name = tcp.IP.String()
		}
		return a.of(name)
	}}
}

// of gives the certificate of a name or address.
func (a *Authority) of(name string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.made[name]; c != nil {
		return c, nil
	}
	template, err := newTemplate()
	if err != nil {
		return nil, err
	}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %q: %w", name, err)
	}
	if len(a.made) >= mostNames {
		clear(a.made)
	}
	a.made[name] = &tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key}
	return a.made[name], nil
}
