package esdbdouble

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// security is TLS with a certificate of its own, and one user.
type security struct {
	authorization string // the header of the one who may
	certificate   tls.Certificate
	pem           []byte
}

func newSecurity(user, password string) (*security, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &security{
		authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)),
		certificate:   tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem:           pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}, nil
}

func (s *security) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(credentials.NewServerTLSFromCert(&s.certificate)),
		grpc.StreamInterceptor(func(srv any, call grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			if err := s.check(call.Context()); err != nil {
				return err
			}
			return handle(srv, call)
		}),
	}
}

func (s *security) check(ctx context.Context) error {
	given := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(given) != 1 || given[0] != s.authorization {
		return status.Error(codes.Unauthenticated, "Not authenticated")
	}
	return nil
}
