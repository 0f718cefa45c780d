package rediscache

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// errURL hides the URL, which may contain a password.
var errURL = errors.New("the URL of Redis is malformed: it must be redis://USER:PASSWORD@HOST:PORT/DATABASE (rediss:// for TLS), " +
	"unix:///PATH?db=DATABASE, redis+sentinel://HOST:PORT?master_name=NAME&addr=HOST:PORT or redis+cluster://HOST:PORT?addr=HOST:PORT")

// dialTimeout is the timeout of connecting, which continues after the caller gave up.
const dialTimeout = 500 * time.Millisecond

// CheckURL returns nil for a URL that [Open] accepts:
//
//	redis://USER:PASSWORD@HOST:PORT/DATABASE       one server; rediss:// over TLS
//	unix://USER:PASSWORD@/PATH?db=DATABASE         one server, through a socket
//	redis+sentinel://HOST:PORT/DATABASE?master_name=NAME&addr=HOST:PORT&password=PASSWORD
//	redis+cluster://USER:PASSWORD@HOST:PORT?addr=HOST:PORT
//
// addr adds a sentinel or node and may be repeated. User and password before the host of a sentinel are the sentinel's; the parameters
// username and password are the server's. Further parameters are options of go-redis, except for timeouts and retries, which this package
// sets. The error never shows the URL.
func CheckURL(text string) error {
	_, err := parse(text)
	return err
}

func newClient(text string) (redis.UniversalClient, error) {
	connect, err := parse(text)
	if err != nil {
		return nil, err
	}
	// go-redis logs each failed connection, for the whole process. The breaker logs what matters.
	redis.SetLogger(discardLogger{})
	return connect(), nil
}

type discardLogger struct{}

// Printf logs nothing.
func (discardLogger) Printf(context.Context, string, ...any) {}

// parse returns a function that creates a client. The client connects when it needs to.
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
