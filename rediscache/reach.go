package rediscache

import (
	"context"
	"errors"
)

// errUnreachable tells nothing of the error's text, which may show the URL.
var errUnreachable = errors.New("the Redis does not answer, or not to this user and password")

// Reach asks the Redis at a URL for a sign of life. Its errors never show the URL.
func Reach(ctx context.Context, url string) error {
	client, err := newClient(url)
	if err != nil {
		return err
	}
	asked := client.Ping(ctx).Err()
	if err := errors.Join(asked, client.Close()); err != nil {
		return errUnreachable
	}
	return nil
}
