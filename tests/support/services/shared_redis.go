package services

import (
	"fmt"
	"os"
)

// RedisVariable names a server to use instead of a private one: a redis:// URL.
const RedisVariable = "LICENSELEDGER_TEST_REDIS"

// SharedRedis is the Redis server that all tests of a binary share, each with keys of its own. A package of tests declares one and
// gives its TestMain to it, as with [Shared]; a package that needs both nests them: postgres.With(redis.With(m)).
type SharedRedis struct{ url string }

// With returns the tests of m with a server around them: the one named by LICENSELEDGER_TEST_REDIS, or a private one.
func (s *SharedRedis) With(m Tests) Tests { return runningRedis{shared: s, tests: m} }

// URL is the connection string of the shared server.
func (s *SharedRedis) URL() string { return s.url }

type runningRedis struct {
	shared *SharedRedis
	tests  Tests
}

// Run starts the server, runs the tests and stops the server.
func (r runningRedis) Run() (code int) {
	if r.shared.url = os.Getenv(RedisVariable); r.shared.url == "" {
		server, err := StartRedis()
		if err != nil {
			fmt.Fprintln(os.Stderr, "start Redis for the tests:", err)
			return 1
		}
		defer func() {
			if err := server.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stop Redis:", err)
				code = 1
			}
		}()
		r.shared.url = server.URL()
	}
	return r.tests.Run()
}
