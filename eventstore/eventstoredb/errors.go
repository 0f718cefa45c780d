package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/licenseledger/licenseledger/eventstore"
)

// Servers say in the trailer "exception" what went wrong, see EventStore.Core's Grpc/Constants.cs.
const (
	exceptionNotLeader       = "not-leader"
	exceptionStreamDeleted   = "stream-deleted"
	exceptionWrongVersion    = "wrong-expected-version"
	exceptionAppendTooLarge  = "maximum-append-size-exceeded"
	exceptionBadStreamName   = "bad-stream-name"
	trailerException         = "exception"
	trailerLeaderHost        = "leader-endpoint-host"
	trailerLeaderPort        = "leader-endpoint-port"
	descriptionAppendTooLong = "the append is larger than the server takes (its setting MaxAppendSize)"
)

// errWrongVersion is the server's word that a stream is at another revision than expected.
var errWrongVersion = errors.New("wrong expected version")

// notLeader is the refusal of a server that does not lead. It has done nothing.
type notLeader struct{ leader string } // host:port of the one that does, empty when it does not know

func (e *notLeader) Error() string { return "the server does not lead, " + e.leader + " does" }

// translate adds to the error of a call what the server said in the trailer. io.EOF, which is the end and no error, has none.
func translate(err error, trailer metadata.MD) error {
	value := func(key string) string {
		if values := trailer.Get(key); len(values) > 0 {
			return values[0]
		}
		return ""
	}
	switch value(trailerException) {
	case exceptionNotLeader:
		e := &notLeader{}
		if host, port := value(trailerLeaderHost), value(trailerLeaderPort); host != "" && port != "" {
			e.leader = net.JoinHostPort(host, port)
		}
		return e
	case exceptionWrongVersion:
		return errWrongVersion
	case exceptionStreamDeleted:
		return fmt.Errorf("%w: somebody deleted the stream: %w", eventstore.ErrDamaged, err)
	case exceptionAppendTooLarge:
		return fmt.Errorf("%w: %s: %w", eventstore.ErrInvalidAppend, descriptionAppendTooLong, err)
	case exceptionBadStreamName:
		return fmt.Errorf("%w: %w", eventstore.ErrInvalidAppend, err)
	}
	return err
}

// failure gives an error its place among the errors of the port. ctx is the caller's.
func (s *Store) failure(ctx context.Context, doing string, err error) error {
	if ended := s.checkOpen(ctx); ended != nil {
		return ended
	}
	for _, known := range []error{
		eventstore.ErrDamaged, eventstore.ErrInvalidAppend, eventstore.ErrStreamNotFound, eventstore.ErrWrongExpectedRevision,
	} {
		if errors.Is(err, known) {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	if status.Code(err) == codes.DataLoss {
		return fmt.Errorf("%s: %w: %w", doing, eventstore.ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, eventstore.ErrUnavailable, err)
}
