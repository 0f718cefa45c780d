package rediscache

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// errURL tells nothing of the URL, which may hold a password.
var errURL = errors.New("the URL of the Redis is not understood: " +
	"it must be redis://USER:PASSWORD@HOST:PORT/DATABASE (rediss:// for TLS), " +
	"unix:///PATH?db=DATABASE, redis+sentinel://HOST:PORT?master_name=NAME&addr=HOST:PORT or redis+cluster://HOST:PORT?addr=HOST:PORT")

// dialTimeout bounds the making of a connection, which goes on when who asked for it has given up.
const dialTimeout = 500 * time.Millisecond

// CheckURL returns nil for a URL that [Open] takes:
//
//	redis://USER:PASSWORD@HOST:PORT/DATABASE       one server; rediss:// over TLS
//	unix://USER:PASSWORD@/PATH?db=DATABASE         one server, through a socket
//	redis+sentinel://HOST:PORT/DATABASE?master_name=NAME&addr=HOST:PORT&password=PASSWORD
//	redis+cluster://USER:PASSWORD@HOST:PORT?addr=HOST:PORT
//
// addr gives further sentinels or nodes, as often as needed. User and password before the host of a sentinel are the sentinel's;
// username and password among the parameters are the server's. Options of go-redis may follow as further parameters, except for
// timeouts and retries, which are this package's. The error never shows the URL.
func CheckURL(text string) error {
	_, err := parse(text)
	return err
}

func newClient(text string) (redis.UniversalClient, error) {
	connect, err := parse(text)
	if err != nil {
		return nil, err
	}
	// The library logs each failing connection by itself, for the whole process. What matters of that the breaker tells.
	redis.SetLogger(silence{})
	return connect(), nil
}

type silence struct{}

// Printf logs nothing.
func (silence) Printf(context.Context, string, ...any) {}

// parse returns what makes a client. Connections are made when they are needed.
func parse(text string) (func() redis.UniversalClient, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errURL
	}
	scheme, kind, _ := strings.Cut(u.Scheme, "+")
	u.Scheme = scheme
	switch kind {
	case "":
		o, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, errURL
		}
		o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.PipelinePoolSize = -1, 1, true, -1
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, backgroundTimeout, backgroundTimeout
		return func() redis.UniversalClient { return redis.NewClient(o) }, nil
	case "sentinel":
		o, err := redis.ParseFailoverURL(u.String())
		if err != nil || o.MasterName == "" || o.RouteByLatency || o.RouteRandomly || o.ReplicaOnly {
			return nil, errURL
		}
		o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.PipelinePoolSize = -1, 1, true, -1
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, backgroundTimeout, backgroundTimeout
		return func() redis.UniversalClient { return redis.NewFailoverClient(o) }, nil
	case "cluster":
		o, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, errURL
		}
		o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.PipelinePoolSize = -1, 1, true, -1
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, backgroundTimeout, backgroundTimeout
		return func() redis.UniversalClient { return redis.NewClusterClient(o) }, nil
	default:
		return nil, errURL
	}
}
