package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/diagnosis"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/pgconnect"
)

// checkTimeout bounds how long a server may take to answer.
const checkTimeout = 15 * time.Second

// What is required of a PostgreSQL server.
const (
	oldestPostgres     = 120000 // the settings that the program changes exist since this version
	maintainedPostgres = 140000
	spareConnections   = 10 // beyond those of an instance, for upgrades of the tables and for tools
	bigClockDifference = 5 * time.Second
	someDifference     = time.Second
)

const serverSQL = `
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       pg_is_in_recovery(), current_setting('default_transaction_read_only'),
       current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'),
       current_setting('server_encoding'),
       least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
             (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
             (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())),
       has_database_privilege(current_database(), 'CREATE'),
       (SELECT count(*) FROM pg_namespace WHERE nspname = ANY ($1)),
       clock_timestamp()`

// postgresServer is what a server says of itself.
type postgresServer struct {
	number                                            int
	version                                           string
	standby                                           bool
	readOnly, fsync, commits, fullPageWrites, encoded string
	connections                                       int
	mayCreate                                         bool
	schemas                                           int
	ahead                                             time.Duration // of this host's clock
}

func askPostgres(ctx context.Context, at engine.Endpoint, schemas ...string) (s postgresServer, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	config, err := pgconnect.Parse(at.Text, "public", nil, nil)
	if err != nil {
		return s, err
	}
	config.ConnConfig.ValidateConnect = nil // a standby is reported as such
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return s, err
	}
	defer func() { _ = conn.Close(ctx) }()
	asked := time.Now()
	var clock time.Time
	err = conn.QueryRow(ctx, serverSQL, schemas).Scan(&s.number, &s.version, &s.standby, &s.readOnly, &s.fsync, &s.commits, &s.fullPageWrites,
		&s.encoded, &s.connections, &s.mayCreate, &s.schemas, &clock)
	answered := time.Now()
	s.ahead = asked.Add(answered.Sub(asked) / 2).Sub(clock)
	return s, err
}

// check examines whether a PostgreSQL server keeps what it acknowledges, and reports whether it answers. All endpoints are on it.
func check(ctx context.Context, d *diagnosis.Report, setting string, endpoints ...engine.Endpoint) bool {
	at, needed := endpoints[0], spareConnections
	var schemas []string
	for _, l := range endpoints {
		schemas, needed = append(schemas, l.Namespace), needed+l.Connections
	}
	checkEncryption(d, setting+": encryption", at)
	s, err := askPostgres(ctx, at, schemas...)
	if err != nil {
		d.Fail(setting+": server", at.String()+": "+err.Error(), "start the server, let this host in (pg_hba.conf, firewall), and check "+
			"user, password and database")
		return false
	}
	switch {
	case s.number < oldestPostgres:
		d.Fail(setting+": server", "PostgreSQL "+s.version, "upgrade to PostgreSQL 14 or later")
	case s.number < maintainedPostgres:
		d.Warn(setting+": server", "PostgreSQL "+s.version+" is not maintained any more", "upgrade to PostgreSQL 14 or later")
	default:
		d.OK(setting+": server", "PostgreSQL "+s.version)
	}
	if s.standby || s.readOnly == "on" {
		d.Fail(setting+": writing", "the server takes no changes", "name the primary, or several hosts with target_session_attrs=read-write")
	}
	checkDurability(d, setting, s)
	if s.encoded != "UTF8" {
		d.Fail(setting+": encoding", s.encoded, "create a database with ENCODING 'UTF8' and name that")
	} else {
		d.OK(setting+": encoding", s.encoded)
	}
	if !s.mayCreate && s.schemas < len(schemas) {
		d.Fail(setting+": rights", "the user may not make schemas, and not all of these are there: "+strings.Join(schemas, ", "),
			"GRANT CREATE ON DATABASE … TO …")
	}
	if s.connections < needed {
		d.Fail(setting+": connections", fmt.Sprintf("%d for everybody", s.connections),
			fmt.Sprintf("raise max_connections, or the limit of role or database: %d for every instance", needed))
	} else {
		d.OK(setting+": connections", fmt.Sprintf("%d for everybody, %d for every instance", s.connections, needed))
	}
	checkClock(d, setting+": clock", s.ahead)
	return true
}

// checkReplica examines whether a read-only server answers.
func checkReplica(ctx context.Context, d *diagnosis.Report, at engine.Endpoint) {
	const name = "replica: server"
	checkEncryption(d, "replica: encryption", at)
	s, err := askPostgres(ctx, at)
	if err != nil {
		d.Fail(name, at.String()+": "+err.Error(), "start the replica and let this host in, or remove the setting")
		return
	}
	d.OK(name, "PostgreSQL "+s.version)
	checkClock(d, "replica: clock", s.ahead)
}

func checkDurability(d *diagnosis.Report, setting string, s postgresServer) {
	check, sound := setting+": durability", true
	for _, c := range []struct{ name, value, hint string }{
		{"fsync", s.fsync, "set fsync = on: commits do not survive a crash"},
		{"full_page_writes", s.fullPageWrites, "set full_page_writes = on: a crash can tear pages, unless the file system writes them whole"},
		{"synchronous_commit", s.commits, "set synchronous_commit = on: acknowledged commits can be lost"},
	} {
		if c.value == "off" {
			d.Fail(check, c.name+" is off", c.hint)
			sound = false
		}
	}
	if sound {
		d.OK(check, fmt.Sprintf("fsync %s, full_page_writes %s, synchronous_commit %s", s.fsync, s.fullPageWrites, s.commits))
	}
}

// checkClock compares clocks: leases and terms are decided by this host's, and instances must agree.
func checkClock(d *diagnosis.Report, check string, ahead time.Duration) {
	found := fmt.Sprintf("this host is %s ahead of the server", ahead.Round(time.Millisecond))
	if ahead < 0 {
		found = fmt.Sprintf("this host is %s behind the server", (-ahead).Round(time.Millisecond))
	}
	const hint = "let both follow the same time (NTP)"
	switch {
	case ahead.Abs() > bigClockDifference:
		d.Fail(check, found, hint)
	case ahead.Abs() > someDifference:
		d.Warn(check, found, hint)
	default:
		d.OK(check, found)
	}
}
