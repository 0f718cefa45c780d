package activation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/event"
)

var (
	noon         = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	activationID = uuid.MustParse("00000000-0000-4000-8000-000000000006")
	bindingID    = uuid.MustParse("00000000-0000-4000-8000-000000000005")
)

// happened is the n-th event of an activation's life.
func happened(n int, p event.Payload) event.Event {
	return event.Event{Payload: p, Envelope: event.Envelope{
		Position: event.Position(100 + n), Revision: event.Revision(n), Pending: event.Pending{ID: uuid.New(), Type: p.EventType()},
	}}
}

func granted() activation.Granted {
	return activation.Granted{
		ActivationID: activationID, BindingID: bindingID, Fingerprint: "f1", KeyID: "key-1", GrantedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}

func TestAGrantMakesAnActivationAndItsCertificate(t *testing.T) {
	t.Parallel()
	e := happened(2, granted())
	require.Equal(t, activation.Activation{
		ID: activationID, BindingID: bindingID, Status: activation.StatusActive, Fingerprint: "f1", KeyID: "key-1",
		GrantedAt: noon, IssuedAt: noon, ExpiresAt: noon.Add(time.Hour), CertificateEvent: e.Ref(), StatusEvent: e.Ref(),
	}, activation.Activation{}.Apply(e))
}

func TestARenewalDeterminesANewCertificateOfTheSameActivation(t *testing.T) {
	t.Parallel()
	e := happened(3, activation.Renewed{
		ActivationID: activationID, BindingID: bindingID, Fingerprint: "f2", KeyID: "key-2", SeatsUsed: 1,
		RenewedAt: noon.Add(time.Minute), ExpiresAt: noon.Add(2 * time.Hour),
	})
	require.Equal(t, activation.Activation{
		ID: activationID, BindingID: bindingID, Status: activation.StatusActive, Fingerprint: "f2", KeyID: "key-2",
		GrantedAt: noon, IssuedAt: noon.Add(time.Minute), ExpiresAt: noon.Add(2 * time.Hour), CertificateEvent: e.Ref(), StatusEvent: e.Ref(),
	}, activation.Activation{}.Apply(happened(2, granted())).Apply(e))
}

func TestLapseAndEndLeaveTheCertificateAsItWas(t *testing.T) {
	t.Parallel()
	active := activation.Activation{}.Apply(happened(2, granted()))
	for status, p := range map[activation.Status]event.Payload{
		activation.StatusLapsed: activation.Lapsed{ActivationID: activationID, BindingID: bindingID, LapsedAt: noon.Add(time.Hour)},
		activation.StatusEnded:  activation.Ended{ActivationID: activationID, BindingID: bindingID, Reason: "sold", EndedAt: noon},
	} {
		e := happened(3, p)
		expected := active
		expected.Status, expected.StatusEvent = status, e.Ref()
		require.Equal(t, expected, active.Apply(e))
		require.Equal(t, activation.StatusActive, active.Status, "the given activation is left as it is")
	}
}

func TestARenewalWakesALapsedActivation(t *testing.T) {
	t.Parallel()
	lapsed := activation.Activation{}.Apply(happened(2, granted())).Apply(happened(3, activation.Lapsed{}))
	require.Equal(t, activation.StatusActive, lapsed.Apply(happened(4, activation.Renewed{})).Status)
}

func TestTimeRunsOutWhenLessThanHalfIsLeft(t *testing.T) {
	t.Parallel()
	a := activation.Activation{}.Apply(happened(2, granted())) // for an hour
	for after, expected := range map[time.Duration]bool{
		0:                                  false,
		30*time.Minute - 1:                 false,
		30 * time.Minute:                   false,
		30*time.Minute + 1:                 true,
		time.Hour:                          true,
		24 * time.Hour:                     true,
		-time.Hour /* a clock set back */ : false,
	} {
		require.Equal(t, expected, a.RunsOut(noon.Add(after)), fmt.Sprint(after))
	}
}

func TestOnlyALapseComesWithTime(t *testing.T) {
	t.Parallel()
	for _, p := range []event.Payload{activation.Granted{}, activation.Renewed{}, activation.Ended{}} {
		_, byTime := p.(event.TimeDriven)
		require.False(t, byTime, p.EventType())
	}
	var byTime event.TimeDriven = activation.Lapsed{}
	byTime.TimeDriven()
}
