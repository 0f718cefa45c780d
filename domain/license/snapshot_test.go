package license_test

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

func TestMain(m *testing.M) {
	update := flag.Bool("update", false, "write the golden of the snapshot's format if it is missing")
	flag.Parse()
	if *update {
		if err := writeMissingGolden(); err != nil {
			log.Fatal(err)
		}
	}
	os.Exit(m.Run())
}

// restored sends a stream through its snapshot.
func restored(t require.TestingT, s *license.Stream) *license.Stream {
	text, err := license.Snapshot(s)
	require.NoError(t, err)
	back, err := license.Restore(text)
	require.NoError(t, err)
	return back
}

// expiredV1 is what earlier programs wrote when a licence expired.
type expiredV1 struct {
	ExpiredAt time.Time `json:"expired_at"`
}

// EventType implements [event.Payload].
func (expiredV1) EventType() event.Type { return "license.expired.v1" }

// lives are histories that have every kind of event between them; the first leaves every field of a licence filled.
func lives() [][]event.Payload {
	hardware := machineWith(1, machine.Hashes{machine.CPU: {"c1"}, machine.Disk: {"d1", "d2"}})
	hardware.Name = []byte("sealed name")
	drifted := machineWith(4, machine.Hashes{machine.CPU: {"c1"}, machine.Disk: {"d3"}})
	full := func(e *license.Issued) {
		e.Metadata = map[string]string{"order": "4711"}
		e.Policy.ProductMaxMachines, e.Policy.LicenseMaxMachines = new(9), new(2)
	}
	return [][]event.Payload{{
		issued(full, seats(5), rebinds(3), generation(2), floating(60), validFromFirstActivation(30)),
		license.ValidityStarted{StartedAt: noon, ExpiresAt: inAMonth},
		bound(1, hardware, 1, noon), granted(1, hardware, noon, noon.Add(60e9)),
		bound(2, machineNo(2), 2, noon), granted(2, machineNo(2), noon, noon.Add(60e9)),
		binding.HardwareDrifted{
			BindingID: bindingID(1), PreviousFingerprint: hardware.Fingerprint, Fingerprint: drifted.Fingerprint, Components: drifted.Hashes,
			Matched: 1, Compared: 2, Changed: []machine.Kind{machine.Disk}, DriftedAt: noon.Add(10e9),
		},
		renewed(1, drifted, 2, noon.Add(40e9), noon.Add(100e9)),
		lapsed(2, 1, noon.Add(60e9)),
		license.Suspended{Reason: "unpaid", SuspendedAt: noon.Add(70e9)},
		license.Reinstated{Reason: "paid", ReinstatedAt: noon.Add(71e9)},
		ended(1, "moved", noon.Add(80e9)),
		binding.MachineRebound{
			BindingID: bindingID(1), PreviousFingerprint: drifted.Fingerprint, Fingerprint: machineNo(3).Fingerprint,
			OS: "linux/arm64", Reason: "moved",
			RebindsInWindow: 1, SeatsUsed: 1, ReboundAt: noon.Add(80e9),
		},
		activation.Granted{
			ActivationID: activationID(3), BindingID: bindingID(1), Fingerprint: machineNo(3).Fingerprint, KeyID: keyID, Floating: true,
			GrantedAt: noon.Add(80e9), ExpiresAt: noon.Add(140e9),
		},
		license.KeyReissued{Reason: "leaked", Generation: 3, ReissuedAt: noon.Add(90e9)},
		license.Suspended{Reason: "unpaid", SuspendedAt: noon.Add(day)},
		license.Expired{ExpiredAt: inAMonth},
		license.Revoked{Reason: "fraud", RevokedAt: inAMonth.Add(day)},
	}, {
		issued(expires(inAMonth)),
		bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(3*day)),
		bound(2, machineNo(2), 2, noon), granted(2, machineNo(2), noon, noon.Add(3*day)),
		ended(2, "sold", noon.Add(day)), released(2, "sold", 1, noon.Add(day)),
		license.Expired{ExpiredAt: inAMonth},
		license.ExpiryUndone{Reason: "the clock was wrong", ExpiresAt: inAMonth, UndoneAt: noon.Add(2 * day)},
		license.Suspended{Reason: "unpaid", SuspendedAt: noon.Add(3 * day)},
		expiredV1{ExpiredAt: inAMonth},
		license.Renewed{Reason: "paid", PreviousExpiresAt: &inAMonth, ExpiresAt: inAMonth.Add(30 * day), RenewedAt: inAMonth.Add(day)},
		license.Revoked{Reason: "fraud", RevokedAt: inAMonth.Add(2 * day)},
	}, {
		issued(seats(2), rebinds(3), cooldown(60), dailyActivations(9)),
		bound(1, hardware, 1, noon), granted(1, hardware, noon, noon.Add(3*day)),
		binding.HardwareDrifted{
			BindingID: bindingID(1), PreviousFingerprint: hardware.Fingerprint, Fingerprint: drifted.Fingerprint, Components: drifted.Hashes,
			Matched: 1, Compared: 2, Changed: []machine.Kind{machine.Disk}, DriftedAt: noon.Add(day), Moved: true, RebindsInWindow: 1,
		},
		renewed(1, drifted, 1, noon.Add(day), noon.Add(4*day)),
		ended(1, "sold", noon.Add(2*day)), released(1, "sold", 0, noon.Add(2*day)),
	}}
}

// snapshots are those that the lives leave after each of their events, one a line.
func snapshots() ([]byte, error) {
	registry := domain.Events()
	var lines bytes.Buffer
	for life, happened := range lives() {
		var s *license.Stream
		for i, p := range happened {
			data, err := event.Encode(p)
			if err != nil {
				return nil, err
			}
			e, err := registry.Decode(event.Envelope{
				Position: event.Position(100 + i), Revision: event.Revision(i + 1), Stream: license.StreamName(licenseID),
				Pending: event.Pending{ID: id(5_000 + 100*life + i), Type: p.EventType(), RecordedAt: noon, Data: data, Metadata: event.Metadata{
					Tenant: "acme", CommandID: fmt.Sprint("command ", i/2), RequestHash: fmt.Sprint("hash ", i/2),
				}},
			})
			if err != nil {
				return nil, err
			}
			if s, err = license.Fold(s, e); err != nil {
				return nil, err
			}
			text, err := license.Snapshot(s)
			if err != nil {
				return nil, err
			}
			lines.Write(append(text, '\n'))
		}
	}
	return lines.Bytes(), nil
}

func golden() string {
	return filepath.Join("testdata", "snapshots", fmt.Sprintf("format-%d.jsonl", license.SnapshotFormat))
}

// writeMissingGolden leaves a file that exists as it is: programs that are running put such snapshots into shared caches.
func writeMissingGolden() error {
	if _, err := os.Stat(golden()); err == nil {
		return nil
	}
	lines, err := snapshots()
	if err != nil {
		return err
	}
	return os.WriteFile(golden(), lines, 0o644)
}

// TestWhatIsFoldedAndHowItIsWrittenChangesWithTheFormatOnly fails when they do not: then raise [license.SnapshotFormat], run the tests
// with -update and delete the golden of the format before.
func TestWhatIsFoldedAndHowItIsWrittenChangesWithTheFormatOnly(t *testing.T) {
	t.Parallel()
	expected, err := os.ReadFile(golden())
	require.NoError(t, err)
	lines, err := snapshots()
	require.NoError(t, err)
	require.Equal(t, string(expected), string(lines))
}

func TestTheGoldenSnapshotsComeFromEveryEventAndFillEveryFieldOfALicence(t *testing.T) {
	t.Parallel()
	types := map[event.Type]bool{}
	for _, life := range lives() {
		for _, p := range life {
			types[p.EventType()] = true
		}
	}
	for _, registered := range event.NewRegistry(license.Events(), binding.Events(), activation.Events()).Types() {
		require.True(t, types[registered], registered)
	}
	filled := map[string]bool{}
	for _, life := range lives() {
		s := fold(t, nil, life...)
		for _, v := range []reflect.Value{reflect.ValueOf(s.License), reflect.ValueOf(s.Policy)} {
			for i := range v.NumField() {
				name := v.Type().String() + "." + v.Type().Field(i).Name
				filled[name] = filled[name] || !v.Field(i).IsZero()
			}
		}
	}
	for name, is := range filled {
		require.True(t, is, name)
	}
}

func TestWhatIsNoSnapshotOfThisFormatIsRefused(t *testing.T) {
	t.Parallel()
	text, err := license.Snapshot(fold(t, nil, lives()[0]...))
	require.NoError(t, err)
	other := fmt.Sprintf(`{"Format":%d,`, license.SnapshotFormat+1)
	for name, wrong := range map[string][]byte{
		"nothing":          nil,
		"not JSON":         text[:len(text)-1],
		"null":             []byte("null"),
		"of a later one":   bytes.Replace(text, fmt.Appendf(nil, `{"Format":%d,`, license.SnapshotFormat), []byte(other), 1),
		"without machines": bytes.Replace(text, []byte(`"Machines"`), []byte(`"Machine"`), 1),
		"without events":   bytes.Replace(text, []byte(`"Stream"`), []byte(`"Steam"`), 1),
	} {
		require.NotEqual(t, text, wrong, name)
		_, err := license.Restore(wrong)
		require.ErrorContains(t, err, "restore a snapshot", name)
	}
	_, err = license.Snapshot(nil)
	require.Error(t, err)
}
