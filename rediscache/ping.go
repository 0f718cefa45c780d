package rediscache

import (
	"context"
	"errors"
)

// errUnreachable hides the text of the error, which may contain the URL.
var errUnreachable = errors.New("the Redis server does not answer, or refuses the user and password")

// Ping checks that the Redis at a URL answers. Its errors never show the URL.
func Ping(ctx context.Context, url string) error {
	client, err := newClient(url)
	if err != nil {
		return err
	}
	pinged := client.Ping(ctx).Err()
	if err := errors.Join(pinged, client.Close()); err != nil {
		return errUnreachable
	}
	return nil
}
