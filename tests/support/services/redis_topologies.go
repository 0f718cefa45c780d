package services

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// sentinelReadyLine is what a sentinel writes when it watches its master.
	sentinelReadyLine = "+monitor master"
	masterName        = "ledger"
)

// StartRedisCluster starts a cluster of one node. The caller stops it.
func StartRedisCluster() (_ *Redis, err error) {
	r, err := startRedis(&Redis{password: rand.Text(), settings: func(int) (string, error) {
		bus, err := freePort()
		return fmt.Sprintf("save \"\"\nappendonly no\ncluster-enabled yes\ncluster-config-file nodes.conf\ncluster-port %d\n", bus), err
	}})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: r.address(), Password: r.password})
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := client.ClusterAddSlotsRange(ctx, 0, 16383).Err(); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		info, err := client.ClusterInfo(ctx).Result()
		if err != nil {
			return nil, errors.Join(err, r.Stop())
		}
		if strings.Contains(info, "cluster_state:ok") {
			return r, nil
		}
		<-poll.C
	}
}

// StartSentinel starts a sentinel that watches a server. The caller stops it.
func StartSentinel(master *Redis) (*Redis, error) {
	return startRedis(&Redis{password: rand.Text(), sentinel: true, settings: func(int) (string, error) {
		return fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 1\nsentinel auth-pass %s %s\n", masterName, master.port, masterName,
			master.password), nil
	}})
}

// ClusterURL is the connection string of a cluster.
func (r *Redis) ClusterURL() string {
	return fmt.Sprintf("redis+cluster://:%s@%s", r.password, r.address())
}

// SentinelURL is the connection string of the server that a sentinel watches.
func (r *Redis) SentinelURL(master *Redis) string {
	return fmt.Sprintf("redis+sentinel://:%s@%s/0?master_name=%s&password=%s", r.password, r.address(), masterName, master.password)
}

func (r *Redis) address() string { return fmt.Sprintf("127.0.0.1:%d", r.port) }
