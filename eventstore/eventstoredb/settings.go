package eventstoredb

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// defaultDeadline bounds one call when the connection string does not.
	defaultDeadline = 10 * time.Second
	// maxMessage is the largest event that is accepted: servers store up to 16 MiB, and the protocol adds a little.
	maxMessage = 17 << 20
	// maxBackoff is how long a broken connection waits at most before it tries again.
	maxBackoff = time.Second
)

// errConnectionString stands for the parser's own errors, which quote the string with its password.
var errConnectionString = errors.New("the connection string is not understood " +
	"(esdb://USER:PASSWORD@HOST:2113?tls=true, with special characters percent-encoded)")

// settings are what a connection string says.
type settings struct {
	seeds    []string // addresses to begin with
	cluster  bool     // ask the seeds who leads; else there is one seed, and it is the server
	deadline time.Duration
	gossip   time.Duration
	dial     []grpc.DialOption
}

func parse(url string) (settings, error) {
	if rest, is := strings.CutPrefix(url, "kurrentdb"); is {
		url = "esdb" + rest
	}
	config, err := esdb.ParseConnectionString(url)
	if err != nil {
		return settings{}, errConnectionString
	}
	s := settings{
		cluster:  config.DnsDiscover || len(config.GossipSeeds) > 0,
		deadline: defaultDeadline,
		gossip:   time.Duration(config.GossipTimeout) * time.Second,
	}
	for _, seed := range config.GossipSeeds {
		s.seeds = append(s.seeds, seed.String())
	}
	if len(s.seeds) == 0 {
		s.seeds = []string{config.Address}
	}
	if config.DefaultDeadline != nil && *config.DefaultDeadline > 0 {
		s.deadline = *config.DefaultDeadline
	}
	s.dial, err = dialOptions(config)
	return s, err
}

func dialOptions(config *esdb.Configuration) ([]grpc.DialOption, error) {
	timeout := backoff.DefaultConfig
	timeout.BaseDelay, timeout.MaxDelay = 50*time.Millisecond, maxBackoff
	dial := []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: timeout, MinConnectTimeout: 5 * time.Second}),
		grpc.WithIdleTimeout(0),
	}
	if config.KeepAliveInterval >= 0 {
		dial = append(dial, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: config.KeepAliveInterval, Timeout: config.KeepAliveTimeout, PermitWithoutStream: true,
		}))
	}
	if config.DisableTLS {
		return append(dial, grpc.WithTransportCredentials(insecure.NewCredentials())), nil
	}
	security := &tls.Config{
		MinVersion: tls.VersionTLS12,
		RootCAs:    config.RootCAs,
		// Only when the connection string asks for it.
		InsecureSkipVerify: config.SkipCertificateVerification, //nolint:gosec // the operator's choice
	}
	if (config.UserCertFile == "") != (config.UserKeyFile == "") {
		return nil, errors.New("userCertFile and userKeyFile belong together")
	}
	if config.UserCertFile != "" {
		pair, err := tls.LoadX509KeyPair(config.UserCertFile, config.UserKeyFile)
		if err != nil {
			return nil, fmt.Errorf("load the user certificate: %w", err)
		}
		security.Certificates = []tls.Certificate{pair}
	}
	dial = append(dial, grpc.WithTransportCredentials(credentials.NewTLS(security)))
	if config.Username != "" {
		dial = append(dial, grpc.WithPerRPCCredentials(basicAuth(config.Username+":"+config.Password)))
	}
	return dial, nil
}

// basicAuth is USER:PASSWORD, sent with every call.
type basicAuth string

// GetRequestMetadata is [credentials.PerRPCCredentials].
func (b basicAuth) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(b))}, nil
}

// RequireTransportSecurity is [credentials.PerRPCCredentials].
func (basicAuth) RequireTransportSecurity() bool { return true }
