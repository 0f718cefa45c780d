package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Unsealer decrypts personal data that was encrypted with its subject's own key.
type Unsealer interface {
	Unseal(ctx context.Context, subject uuid.UUID, sealed []byte) ([]byte, error)
}

// PersonalData is how projectors read personal data.
type PersonalData struct {
	Unsealer
	// KeyGone is the error, possibly wrapped, by which the Unsealer says that the person was erased. The rows then hold NULL.
	KeyGone error
	// Unavailable is the error, possibly wrapped, by which the Unsealer says that the same may succeed later. The projection waits for
	// that.
	Unavailable error
}

// errLater says that personal data cannot be read now, which is no fault of the event.
var errLater = errors.New("personal data cannot be read now")

// Open returns the personal data, or nil when the person was erased.
func (p PersonalData) Open(ctx context.Context, subject uuid.UUID, sealed []byte) ([]byte, error) {
	data, err := p.Unseal(ctx, subject, sealed)
	if p.KeyGone != nil && errors.Is(err, p.KeyGone) {
		return nil, nil
	}
	if p.Unavailable != nil && errors.Is(err, p.Unavailable) {
		return nil, fmt.Errorf("%w: %w", errLater, err)
	}
	if err != nil {
		return nil, fmt.Errorf("decrypt personal data: %w", err)
	}
	return data, nil
}
