package scenarios_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// onItsOwn runs the program with a data directory that no server works on.
func onItsOwn(t *testing.T, adjust ...func(*process.Options)) process.Options {
	t.Helper()
	o := process.Options{Binary: fixture.binary, DataDir: filepath.Join(t.TempDir(), "data")}
	for _, a := range adjust {
		a(&o)
	}
	return o
}

func run(t *testing.T, o process.Options, arguments ...string) process.Ran {
	t.Helper()
	ran, err := o.Command(t.Context(), arguments...)
	require.NoError(t, err)
	return ran
}

type setting struct{ Key, Value, Source string }

// settings are what `config` says.
func settings(t *testing.T, o process.Options, arguments ...string) map[string]setting {
	t.Helper()
	ran, err := o.Plain(t.Context(), append([]string{"config", "--json"}, arguments...)...)
	require.NoError(t, err)
	require.Zero(t, ran.Code, ran.Err)
	var all []setting
	require.NoError(t, json.Unmarshal([]byte(ran.Out), &all))
	byKey := map[string]setting{}
	for _, s := range all {
		byKey[s.Key] = s
	}
	return byKey
}

func TestASettingComesFromTheFlagElseTheEnvironmentElseTheFileElseItsDefault(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "licenseledger.yaml")
	require.NoError(t, os.WriteFile(file, []byte("issuer: from-file\nlog_level: warn\nlog_format: json\n"), 0o600))
	o := process.Options{Binary: fixture.binary, Env: []string{"LICENSELEDGER_LOG_LEVEL=error", "LICENSELEDGER_LOG_FORMAT=text",
		"LICENSELEDGER_CONFIG=" + file}}
	all := settings(t, o, "--log-format", "json")
	require.Equal(t, setting{"log_format", "json", "flag"}, all["log_format"])
	require.Equal(t, setting{"log_level", "error", "environment"}, all["log_level"])
	require.Equal(t, setting{"issuer", "from-file", "file " + file}, all["issuer"])
	require.Equal(t, setting{"listen", "127.0.0.1:8080", "default"}, all["listen"])
	require.Equal(t, all["issuer"], settings(t, process.Options{Binary: fixture.binary}, "--config", file)["issuer"])
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "licenseledger.yaml")
	require.NoError(t, os.WriteFile(file, []byte("master_key: c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ=\n"), 0o600))
	o := process.Options{Binary: fixture.binary, Env: []string{"LICENSELEDGER_ADMIN_KEY=a-secret-of-the-operator",
		"LICENSELEDGER_CONFIG=" + file}}
	for _, form := range [][]string{{"config"}, {"config", "--json"}} {
		ran, err := o.Plain(t.Context(), form...)
		require.NoError(t, err)
		require.Zero(t, ran.Code, ran.Err)
		require.Contains(t, ran.Out, "(secret)")
		require.NotContains(t, ran.Out+ran.Err, "a-secret-of-the-operator")
		require.NotContains(t, ran.Out+ran.Err, "c2VjcmV0")
	}
	require.Equal(t, setting{"admin_key", "(secret)", "environment"}, settings(t, o)["admin_key"])
	require.Equal(t, setting{"master_key", "(secret)", "file " + file}, settings(t, o)["master_key"])
}

func TestAWrongSettingIsRefusedWithAWayOut(t *testing.T) {
	t.Parallel()
	unknown := filepath.Join(t.TempDir(), "unknown.yaml")
	require.NoError(t, os.WriteFile(unknown, []byte("liten: 127.0.0.1:1\n"), 0o600))
	for name, arguments := range map[string][]string{
		"listen":           {"--listen", "everywhere"},
		"log_level":        {"--log-level", "loud"},
		"shutdown_timeout": {"--shutdown-timeout", "soon"},
		"clock_settle":     {"--clock-settle", "25h"},
		"liten":            {"--config", unknown},
		"no-such-file":     {"--config", "/no-such-file.yaml"},
		"--admin-key":      {"--admin-key", "on-the-command-line"},
		"unknown option":   {"unknown option"},
	} {
		ran := run(t, onItsOwn(t), append([]string{"serve"}, arguments...)...)
		require.Equal(t, 1, ran.Code, name)
		require.Contains(t, ran.Err, strings.TrimPrefix(name, "unknown "), name)
		require.Empty(t, ran.Out, name)
	}
}

func TestASecondServerOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded)
	for _, arguments := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"fsck"}} {
		ran := server.Command(t, arguments...)
		require.Equal(t, 1, ran.Code)
		require.Contains(t, ran.Err, "in use by another licenseledger process")
		require.Contains(t, ran.Err, server.Options.DataDir)
	}
	stillThere := server.Anyone(t).Get("/healthz/ready")
	require.Equal(t, http.StatusOK, stillThere.Status)
}

func TestAnAddressThatIsTakenIsRefused(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	ran := run(t, onItsOwn(t), "serve", "--listen", taken.Addr().String())
	require.Equal(t, 1, ran.Code)
	require.Contains(t, ran.Err, taken.Addr().String())
	require.Contains(t, ran.Err, "--listen")
}

func TestASecondStartIsQuickAndLosesNothing(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	key := server.AdminKey()
	require.NotContains(t, server.Output(), key, "the output is no terminal")
	require.Contains(t, server.Output(), "Admin key created in ", "the first start says where the admin key is")
	v := newTenantClientOn(t, server, nil, nil)
	sold := v.customers("Ada Byron", "Grace Hopper")
	a := v.activate(sold["Ada Byron"].Key, built("laptop", nil))
	at, before := head(t, v.admin), v.license(sold["Ada Byron"])
	server.MustStop(t)
	server.Restart(t)
	t.Logf("ready %s after the second start", server.ReadyAfter())

	require.NotContains(t, server.Output(), key, "the second start does not")
	require.Equal(t, at, head(t, v.admin))
	require.Equal(t, before, v.license(sold["Ada Byron"]))
	require.Len(t, v.listed(""), 2)
	verdict := v.validate(object{"license_key": sold["Ada Byron"].Key, "machine": built("laptop", nil)})
	require.EqualValues(t, "VALID", verdict.Code)
	require.Equal(t, a.Certificate, *verdict.Certificate, "the same event gives the same bytes")
	server.MustStop(t)
}

func TestTheConfiguredAdminKeyIsUsedAndNotStored(t *testing.T) {
	t.Parallel()
	server := newServer(t, func(o *process.Options) { o.AdminKey = "chosen-by-the-operator" })
	newTenantClientOn(t, server, nil, nil)
	require.NoFileExists(t, filepath.Join(server.Options.DataDir, "admin.key"))
	require.NotContains(t, server.Output()+server.Log(), server.Options.AdminKey)
}

func TestTheMasterKeyMustBeTheOneThatSealedTheKeys(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.MustStop(t)
	o := server.Options
	o.Env = append(slices.Clone(o.Env), "LICENSELEDGER_MASTER_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	ran := run(t, o, "serve", "--listen", "127.0.0.1:0")
	require.Equal(t, 1, ran.Code)
	require.Contains(t, ran.Err, "master")
	require.NotContains(t, ran.Err, "MDEyMzQ1")
}

func TestTheDemoTakesALicenseThroughItsWholeLife(t *testing.T) {
	t.Parallel()
	own := onItsOwn(t)
	ran := run(t, own, "demo")
	require.Zero(t, ran.Code, ran.Err)
	for _, text := range []string{
		"product.registered.v1", "plan.published.v1", "license.issued.v1", "binding.machine_bound.v1", "activation.granted.v1",
		"binding.hardware_drifted.v1", "binding.machine_rebound.v1", "license.suspended.v1", "license.reinstated.v1",
		"license.renewed.v1", "license.revoked.v1", "verified offline", "LICENSE_SUSPENDED", "LICENSE_REVOKED",
	} {
		require.Contains(t, ran.Out, text)
	}
	require.NoDirExists(t, own.DataDir, "the demo's own server leaves nothing behind")

	server := newServer(t)
	before := head(t, server.Admin(t))
	for range 2 { // it may be run again
		ran = server.Command(t, "demo", "--server", server.URL())
		require.Zero(t, ran.Code, ran.Err)
	}
	require.Greater(t, head(t, server.Admin(t)), before)
	require.NotContains(t, ran.Out, server.AdminKey())
}

// copied finds the lines that the first start prints to be copied.
var copied = regexp.MustCompile(`(?s)Issue and activate a first licence \(bash\):\n\n(.+?)\n\n`)

func TestTheLinesOfTheFirstStartIssueAndActivateALicense(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	found := copied.FindStringSubmatch(server.Output() + "\n")
	require.NotNil(t, found, server.Output())
	require.Len(t, strings.Split(found[1], "\n"), 4)
	require.NotContains(t, found[1], server.AdminKey())
	output := bash(t, t.TempDir(), nil, found[1])
	require.Contains(t, output, `"certificate"`)
	require.NotContains(t, output, `"code":"INVALID`)
	v := tenantClient{t: t, server: server, admin: server.Admin(t)}
	events := blackbox.OK[api.LedgerPage](v.admin.Get("/v1/ledger/events"))
	require.Len(t, events.Items, 5, "product, plan, licence, binding, activation, and nothing refused: %s", output)
}

func TestProjectionsAreListedAndRebuiltOnTheCommandLine(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded)
	v := newTenantClientOn(t, server, nil, nil)
	v.customers("Ada Byron", "Grace Hopper")
	at := head(t, v.admin)
	checksums := map[string]string{}
	// While a server runs, it is asked; afterwards the program does it itself. Both must come to the same rows.
	for _, arguments := range [][]string{{"--server", server.URL()}, {"--listen", strings.TrimPrefix(server.URL(), "http://")}, nil} {
		if arguments == nil {
			server.MustStop(t)
		}
		listed := server.Command(t, append([]string{"projections", "list"}, arguments...)...)
		require.Zero(t, listed.Code, listed.Err)
		for _, name := range allProjections {
			require.Contains(t, listed.Out, name)
			ran := server.Command(t, append([]string{"projections", "rebuild", name, "--json"}, arguments...)...)
			require.Zero(t, ran.Code, ran.Err)
			var done struct {
				Name, Checksum string
				Position       uint64
				Seconds        float64
			}
			require.NoError(t, json.Unmarshal([]byte(ran.Out), &done))
			require.Equal(t, at, done.Position)
			require.NotEmpty(t, done.Checksum)
			if known := checksums[name]; known != "" {
				require.Equal(t, known, done.Checksum, name)
			}
			checksums[name] = done.Checksum
		}
		unknown := server.Command(t, append([]string{"projections", "rebuild", "weather"}, arguments...)...)
		require.Equal(t, 1, unknown.Code)
		require.NotEmpty(t, unknown.Err)
	}
}

func TestToolsWantALedgerThatIsThere(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"fsck"}, {"projections", "list"}, {"projections", "rebuild", "licenses"}} {
		o := onItsOwn(t)
		ran := run(t, o, arguments...)
		require.Equal(t, 1, ran.Code)
		require.Contains(t, ran.Err, "there is no ledger in "+o.DataDir)
		require.NoDirExists(t, o.DataDir)
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	t.Parallel()
	ran, err := process.Options{Binary: fixture.binary}.Plain(t.Context(), "--help")
	require.NoError(t, err)
	require.Zero(t, ran.Code)
	for _, command := range []string{"serve", "demo", "config", "fsck", "projections", "certificate"} {
		require.Regexp(t, regexp.MustCompile(fmt.Sprintf(`(?m)^  %s\s+\S`, command)), ran.Out)
	}
}
