package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// saved is a copy of the files of a data directory whose names begin with one of the given ones.
func saved(t *testing.T, o process.Options, names ...string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	replace(t, o.DataDir, folder, names...)
	return folder
}

// replace puts files of one folder into another, in place of all that have such names there.
func replace(t *testing.T, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		remove(t, to, name)
		files, err := filepath.Glob(filepath.Join(from, name+"*"))
		require.NoError(t, err)
		require.NotEmpty(t, files, "there is no %s in %s", name, from)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(to, filepath.Base(file)), content, 0o600))
		}
	}
}

// remove removes files and what SQLite keeps beside them.
func remove(t *testing.T, folder string, names ...string) {
	t.Helper()
	for _, name := range names {
		files, err := filepath.Glob(filepath.Join(folder, name+"*"))
		require.NoError(t, err)
		for _, file := range files {
			require.NoError(t, os.Remove(file))
		}
	}
}

// doesNotStart requires a server that refuses to start and says why and what to do, a doctor and an fsck that find the same, and that
// none of them makes a file.
func doesNotStart(t *testing.T, o process.Options, why, hint string) {
	t.Helper()
	before := listed(t, o.DataDir)
	_, err := process.Start(o)
	require.ErrorContains(t, err, why)
	require.ErrorContains(t, err, hint)
	healthy, found := diagnosed(t, o)
	require.False(t, healthy)
	require.Contains(t, found["installation"].Found, why)
	require.NotEmpty(t, found["installation"].Advice)
	checked := run(t, o, "fsck")
	require.Equal(t, 1, checked.Code, checked.Out+checked.Err)
	require.Contains(t, checked.Out, "NOT CLEAN")
	require.Contains(t, checked.Out, why)
	shown := run(t, o, "installation", "show")
	require.Equal(t, 1, shown.Code, shown.Out+shown.Err)
	require.Contains(t, shown.Out, why)
	require.Equal(t, before, listed(t, o.DataDir), "nothing is made")
}

// soldOne is a stopped server on files that has sold a licence to Ada Byron.
func soldOne(t *testing.T) (*blackbox.Server, tenantClient, api.LicenseWithKey) {
	t.Helper()
	server := newServer(t, embedded)
	v := newTenantClientOn(t, server, nil, nil)
	sold := v.issue(nil)
	v.license(sold) // waits until the read models are there
	server.MustStop(t)
	return server, v, sold
}

func TestALedgerWithoutItsKeysIsNotServed(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string][]string{
		"keys":                      {"keys.db"},
		"keys and master key":       {"keys.db", "master.key"},
		"keys and read models":      {"keys.db", "readmodels.db"},
		"everything but the ledger": {"keys.db", "master.key", "admin.key", "readmodels.db"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, v, sold := soldOne(t)
			whole := saved(t, server.Options, "keys.db", "master.key", "admin.key", "readmodels.db")
			remove(t, server.Options.DataDir, lost...)
			doesNotStart(t, server.Options, "there are no keys", "restore keys.db and master.key")
			accepted := run(t, server.Options, "installation", "accept")
			require.NotZero(t, accepted.Code, "nobody can accept that")
			replace(t, whole, server.Options.DataDir, lost...)
			server.Restart(t)
			require.EqualValues(t, "VALID", v.validate(object{"license_key": sold.Key}).Code)
		})
	}
}

func TestAnEmptyKeysDatabaseIsNotFilledWithNewKeys(t *testing.T) {
	t.Parallel()
	server, _, _ := soldOne(t)
	other := newServer(t, embedded)
	other.MustStop(t)
	tamper(t, other, "keys.db", "DELETE FROM ring", "DELETE FROM ring_secrets", "DELETE FROM witness")
	replace(t, other.Options.DataDir, server.Options.DataDir, "keys.db")
	doesNotStart(t, server.Options, "there are no keys", "restore keys.db")
}

func TestKeysOfAnotherInstallationAreRefused(t *testing.T) {
	t.Parallel()
	server, v, sold := soldOne(t)
	other, _, _ := soldOne(t)
	whole := saved(t, server.Options, "keys.db", "master.key")
	replace(t, other.Options.DataDir, server.Options.DataDir, "keys.db", "master.key")
	doesNotStart(t, server.Options, "different installations", "licenseledger installation show")
	require.NotZero(t, run(t, server.Options, "installation", "accept").Code, "nobody can accept that")
	replace(t, whole, server.Options.DataDir, "keys.db", "master.key")
	server.Restart(t)
	require.EqualValues(t, "VALID", v.validate(object{"license_key": sold.Key}).Code)
}

func TestALedgerOfAnotherInstallationIsRefused(t *testing.T) {
	t.Parallel()
	server, _, _ := soldOne(t)
	other, _, _ := soldOne(t)
	replace(t, other.Options.DataDir, server.Options.DataDir, "ledger.db")
	doesNotStart(t, server.Options, "different installations", "licenseledger installation show")
}

func TestALedgerThatIsGoneIsNotBegunAnew(t *testing.T) {
	t.Parallel()
	server, _, _ := soldOne(t)
	remove(t, server.Options.DataDir, "ledger.db")
	doesNotStart(t, server.Options, "this one is empty", "LICENSELEDGER_EVENTSTORE")
}

func TestKeysThatAreOlderThanTheLedgerAreRefused(t *testing.T) {
	t.Parallel()
	server, _, _ := soldOne(t)
	older := saved(t, server.Options, "keys.db")
	server.Restart(t)
	v := newTenantClientOn(t, server, nil, nil)
	v.license(v.issue(nil))
	server.MustStop(t)
	replace(t, older, server.Options.DataDir, "keys.db")
	_, err := process.Start(server.Options)
	require.ErrorContains(t, err, "keys that the ledger names are missing")
	require.ErrorContains(t, err, "newer backup of the keys")
	checked := run(t, server.Options, "fsck")
	require.Equal(t, 1, checked.Code)
	require.Contains(t, checked.Out, "is not among the keys")
}

func TestAForgottenLocationOfReadModelsIsNotReplacedByNewKeys(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded, func(o *process.Options) { o.Env = []string{"LICENSELEDGER_READMODELS=" + newPostgres(t)} })
	v := newTenantClientOn(t, server, nil, nil)
	v.license(v.issue(nil))
	server.MustStop(t)
	forgotten := server.Options
	forgotten.Env = nil
	doesNotStart(t, forgotten, "there are no keys", "LICENSELEDGER_READMODELS")
}

func TestTwoInstallationsDoNotShareReadModelsAndKeys(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	server := newServer(t, embedded, func(o *process.Options) { o.Env = []string{"LICENSELEDGER_READMODELS=" + database} })
	other := onItsOwn(t)
	other.Env = server.Options.Env
	_, err := process.Start(other)
	require.ErrorContains(t, err, "this one is empty")
	require.ErrorContains(t, err, "LICENSELEDGER_EVENTSTORE")
	newTenantClientOn(t, server, nil, nil) // goes on undisturbed
}

// tenantClientOf starts a server whose ledger was put back: a client that knows later positions would miss them.
func tenantClientOf(t *testing.T, o process.Options) tenantClient {
	t.Helper()
	server, err := blackbox.Launch(o, fixture.contract, fixture.coverage)
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	return tenantClient{t: t, server: server, admin: server.Admin(t), machine: server.Anyone(t)}
}

// putBack is a stopped server whose ledger was put back to a state before the licence was revoked and further ones were sold.
type putBack struct {
	options  process.Options
	client   tenantClient
	sold     api.LicenseWithKey
	readUpTo uint64 // by a consumer of the feed, before
	epoch    string // then
	nextPage string // of a list of licences, then
	wasLater api.LicenseWithKey
}

func newPutBack(t *testing.T) putBack {
	t.Helper()
	server, v, sold := soldOne(t)
	p := putBack{options: server.Options, client: v, sold: sold}
	older := saved(t, server.Options, "ledger.db")
	server.Restart(t)
	v.changed(sold, "revoke", object{"reason": "fraud"})
	p.wasLater = v.issue(nil)
	v.license(p.wasLater)
	page := blackbox.OK[api.LedgerPage](v.admin.Get("/v1/ledger/events?limit=1000"))
	p.readUpTo, p.epoch = page.Head, page.Epoch.String()
	p.nextPage = *blackbox.OK[api.LicensePage](v.upToDate().Get("/v1/licenses?limit=1")).NextCursor
	server.MustStop(t)
	replace(t, older, server.Options.DataDir, "ledger.db")
	return p
}

func TestALedgerThatWasPutBackIsServedOnPurposeOnly(t *testing.T) {
	t.Parallel()
	p := newPutBack(t)
	doesNotStart(t, p.options, "earlier state", "licenseledger installation accept")

	accepted := run(t, p.options, "installation", "accept")
	require.Zero(t, accepted.Code, accepted.Err)
	require.Contains(t, accepted.Out, "continues after position")
	v := tenantClientOf(t, p.options)
	v.product, v.plan = p.client.product, p.client.plan
	require.EqualValues(t, "VALID", v.validate(object{"license_key": p.sold.Key}).Code)
	eventually(t, "the list shows the licence as the ledger has it", func() bool {
		listed := v.admin.Get("/v1/licenses/" + p.sold.ID.String())
		return listed.Status == 200 && blackbox.OK[api.License](listed).Status == "ACTIVE"
	})
	v.admin.Get("/v1/licenses/" + p.wasLater.ID.String()).Refused("LICENSE_NOT_FOUND")

	v.admin.Get("/v1/ledger/events?after=" + fmt.Sprint(p.readUpTo)).Refused("POSITION_BEYOND_HEAD")
	for head(t, v.admin) < p.readUpTo {
		anew := v.issue(nil)
		require.Equal(t, anew.ID, v.license(anew).ID, "a query with the Ledger-Position of its command sees the command")
	}
	refused := v.admin.Get(fmt.Sprintf("/v1/ledger/events?after=%d&epoch=%s", p.readUpTo, p.epoch)).Refused("EPOCH_CHANGED")
	require.Contains(t, refused.Hint, "by their ids")
	v.admin.With("Accept", "application/x-ndjson").Get(fmt.Sprintf("/v1/ledger/events?follow=true&after=%d&epoch=%s", p.readUpTo,
		p.epoch)).Refused("EPOCH_CHANGED")
	v.admin.Get("/v1/licenses?limit=1&cursor=" + p.nextPage).Invalid("cursor")
	page := blackbox.OK[api.LedgerPage](v.admin.Get("/v1/ledger/events?limit=1"))
	require.NotEqual(t, p.epoch, page.Epoch.String())
	blackbox.OK[api.LedgerPage](v.admin.Get(fmt.Sprintf("/v1/ledger/events?after=1&epoch=%s", page.Epoch)))
	stopSound(t, v.server)
}

func TestReadModelsThatDoNotFitTheLedgerAreRebuilt(t *testing.T) {
	t.Parallel()
	for name, unfit := range map[string]func(t *testing.T) (process.Options, tenantClient, api.LicenseWithKey){
		"those of another installation": func(t *testing.T) (process.Options, tenantClient, api.LicenseWithKey) {
			server, v, sold := soldOne(t)
			other := newServer(t, embedded)
			o := newTenantClientOn(t, other, nil, nil)
			for range 3 {
				o.license(o.issue(nil))
			}
			other.MustStop(t)
			replace(t, other.Options.DataDir, server.Options.DataDir, "readmodels.db")
			return server.Options, v, sold
		},
		"those of the same positions before the ledger was put back": func(t *testing.T) (process.Options, tenantClient, api.LicenseWithKey) {
			p := newPutBack(t)
			later := saved(t, p.options, "readmodels.db")
			require.Zero(t, run(t, p.options, "installation", "accept").Code)
			v := tenantClientOf(t, p.options)
			v.product, v.plan = p.client.product, p.client.plan
			for head(t, v.admin) < p.readUpTo+2 {
				v.license(v.issue(nil))
			}
			require.NoError(t, v.server.Stop())
			replace(t, later, p.options.DataDir, "readmodels.db")
			return p.options, v, p.sold
		},
		"those of an older version, beyond the head": func(t *testing.T) (process.Options, tenantClient, api.LicenseWithKey) {
			server, v, sold := soldOne(t)
			tamper(t, server, "readmodels.db", "UPDATE projections SET position = 1000, event_hash = '', installation = '', ledger_epoch = ''")
			return server.Options, v, sold
		},
		"a hash that is not the ledger's": func(t *testing.T) (process.Options, tenantClient, api.LicenseWithKey) {
			server, v, sold := soldOne(t)
			tamper(t, server, "readmodels.db", "UPDATE projections SET event_hash = '"+strings.Repeat("0", 64)+"'")
			return server.Options, v, sold
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, v, sold := unfit(t)
			checked := run(t, o, "fsck")
			require.Equal(t, 1, checked.Code, checked.Out)
			served := tenantClientOf(t, o)
			served.product, served.plan = v.product, v.plan
			require.Equal(t, sold.ID, served.license(sold).ID)
			items := pages[api.License](t, served.upToDate(), "/v1/licenses?limit=2")
			for _, l := range items {
				require.Equal(t, v.product.ID, l.Product.ID, "no row of another ledger is left")
			}
			stopSound(t, served.server)
		})
	}
}

func TestReadModelsThatStandBeforeTheHeadAreNotClean(t *testing.T) {
	t.Parallel()
	server, v, _ := soldOne(t)
	behind := saved(t, server.Options, "readmodels.db")
	server.Restart(t)
	v.license(v.issue(nil))
	server.MustStop(t)
	replace(t, behind, server.Options.DataDir, "readmodels.db")
	checked := run(t, server.Options, "fsck")
	require.Equal(t, 1, checked.Code, checked.Out)
	require.Contains(t, checked.Out, "BEFORE THE LEDGER'S HEAD")
	server.Restart(t)
	v.license(v.issue(nil))
	stopSound(t, server)
}

func TestARestoredLedgerIsTheSameInstallationInANewEpoch(t *testing.T) {
	t.Parallel()
	server, v, sold := soldOne(t)
	folder, keys := filepath.Join(t.TempDir(), "ledger"), filepath.Join(t.TempDir(), "keys")
	require.Zero(t, server.Command(t, "backup", folder, "--keys", keys).Code)
	server.Restart(t)
	v.changed(sold, "suspend", nil)
	before := blackbox.OK[api.LedgerPage](v.admin.Get("/v1/ledger/events?limit=1000"))
	server.MustStop(t)

	o := restored(t, server.Options, folder, keys)
	served := tenantClientOf(t, o)
	require.EqualValues(t, "VALID", served.validate(object{"license_key": sold.Key}).Code)
	served.admin.Get(fmt.Sprintf("/v1/ledger/events?after=%d", before.Head)).Refused("POSITION_BEYOND_HEAD")
	served.admin.Get(fmt.Sprintf("/v1/ledger/events?after=1&epoch=%s", before.Epoch)).Refused("EPOCH_CHANGED")
	require.NoError(t, served.server.Stop())
	shown := jsonOutput[installationShown](t, o, "installation", "show")
	require.True(t, shown.Fit)
	require.Len(t, shown.Epochs, 2)
	require.Equal(t, "restored", shown.Epochs[1].Reason)
	require.Equal(t, jsonOutput[installationShown](t, server.Options, "installation", "show").Installation, shown.Installation)

	other, _, _ := soldOne(t)
	foreign := filepath.Join(t.TempDir(), "keys")
	require.Zero(t, other.Command(t, "backup", filepath.Join(t.TempDir(), "ledger"), "--keys", foreign).Code)
	mixed := server.Options
	mixed.DataDir = filepath.Join(t.TempDir(), "mixed")
	ran := run(t, mixed, "restore", folder, "--keys", foreign)
	require.Equal(t, 1, ran.Code)
	require.Contains(t, ran.Err, "different installations")
}

type installationShown struct {
	Installation string
	Fit          bool
	Epochs       []struct{ Epoch, Reason string }
}
