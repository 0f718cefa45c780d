package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/rediscache"
)

func newDoctorCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Check a configuration and say what to fix",
		Long: "Check that everything the configuration names can be reached and keeps what it acknowledges: versions, durability, encoding,\n" +
			"connections, clocks, permissions, room, keys. Nothing is changed or made. Exits with 1 when something must be fixed.\n" +
			"The server may run.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var d diagnosis
			c, err := configOf(cmd)
			if err != nil {
				d.failed("configuration", err)
			} else {
				d.ok("configuration", fmt.Sprintf("events in %s, read models in %s", c.EventStore, c.ReadModels))
				d.examine(cmd.Context(), c)
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), map[string]any{"healthy": d.healthy(), "findings": d.findings})
			} else {
				err = d.print(cmd.OutOrStdout())
			}
			if err == nil && !d.healthy() {
				err = errReported
			}
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

// The results of a check.
const (
	resultOK      = "ok"
	resultWarning = "warning" // it works, and might be better
	resultFail    = "FAIL"    // it does not work, or loses something some day
)

type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

// diagnosis collects findings.
type diagnosis struct{ findings []finding }

func (d *diagnosis) ok(check, found string) { d.add(check, resultOK, found, "") }

func (d *diagnosis) warn(check, found, advice string) { d.add(check, resultWarning, found, advice) }

func (d *diagnosis) fail(check, found, advice string) { d.add(check, resultFail, found, advice) }

func (d *diagnosis) add(check, result, found, advice string) {
	oneLine := strings.NewReplacer("\n", " ", "\t", " ")
	d.findings = append(d.findings, finding{check, result, oneLine.Replace(found), oneLine.Replace(advice)})
}

// failed adds an error as a finding, with its hint.
func (d *diagnosis) failed(check string, err error) {
	var knows *advice
	hint := ""
	if errors.As(err, &knows) {
		hint = knows.hint
	}
	d.fail(check, err.Error(), hint)
}

func (d *diagnosis) healthy() bool {
	for _, f := range d.findings {
		if f.Result == resultFail {
			return false
		}
	}
	return true
}

func (d *diagnosis) print(out io.Writer) error {
	rows := make([][]string, len(d.findings))
	for i, f := range d.findings {
		rows[i] = []string{f.Check, f.Result + ": " + f.Found, f.Advice}
	}
	return printTable(out, []string{"CHECK", "RESULT", "WHAT TO DO"}, rows)
}

// doctorPatience is how long one place may take to answer.
const doctorPatience = 15 * time.Second

func (d *diagnosis) examine(ctx context.Context, c config) {
	ctx, cancel := context.WithTimeout(ctx, 4*doctorPatience)
	defer cancel()
	d.examineDataDir(c)
	d.examineLogs(c) // before anything opens the files, which may change them
	d.examineParts(c)
	events, readModels := true, true
	together := c.ReadModels.sameServer(c.EventStore)
	if c.EventStore.engine == enginePostgreSQL {
		on := []location{c.EventStore}
		if together {
			on = append(on, c.ReadModels, c.Keys)
		}
		events = d.examineServer(ctx, "eventstore", on...)
	}
	if together {
		readModels = events
	} else if c.ReadModels.engine == enginePostgreSQL {
		readModels = d.examineServer(ctx, "readmodels", c.ReadModels, c.Keys)
	}
	if c.Replica.text != "" {
		d.examineReplica(ctx, c.Replica)
	}
	if events {
		d.examineLedger(ctx, c)
	}
	used := false
	if readModels {
		if d.examineTables(ctx, "readmodels: tables", c.ReadModels, c.DataDir, migrations.Readmodels) {
			d.examineProjections(ctx, c)
		}
		used = d.examineTables(ctx, "keys: tables", c.Keys, c.DataDir, migrations.Keys)
	}
	d.examineCache(ctx, c)
	d.examineMasterKey(ctx, c, used)
	d.examineAdminKey(c)
}

// examineLedger reads where the ledger ends.
func (d *diagnosis) examineLedger(ctx context.Context, c config) {
	if c.EventStore.engine != engineESDB && !d.examineTables(ctx, "eventstore: tables", c.EventStore, c.DataDir, migrations.Ledger) {
		if isMissing(c.EventStore, c.DataDir) {
			d.examineInstallation(ctx, c, noLedger{})
		}
		return
	}
	const check = "eventstore: ledger"
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	ledger, err := openLedger(ctx, c.EventStore, c.DataDir)
	if err != nil {
		d.fail(check, err.Error(), "make "+c.EventStore.String()+" reachable from here")
		return
	}
	defer func() { _ = ledger.Close() }()
	head, err := ledger.Head(ctx)
	if err == nil {
		err = d.examineLedgerTime(ctx, ledger)
	}
	if err != nil {
		d.fail(check, err.Error(), "`licenseledger ledger verify` tells more")
		return
	}
	d.ok(check, fmt.Sprintf("head at position %d", head))
	d.examineTypes(ctx, c)
	d.examineInstallation(ctx, c, ledger)
}

// examineCache looks for the Redis, without which everything works, only slower.
func (d *diagnosis) examineCache(ctx context.Context, c config) {
	if c.Redis == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	if err := rediscache.Reach(ctx, c.Redis); err != nil {
		d.warn("redis", err.Error(), "start it, or correct or unset LICENSELEDGER_REDIS; until then nothing is shared and nothing is wrong")
		return
	}
	d.ok("redis", redacted(c.Redis)+" answers")
}

// examineMasterKey looks whether the master key opens the keys.
func (d *diagnosis) examineMasterKey(ctx context.Context, c config, used bool) {
	const check = "master key"
	from, hint := "LICENSELEDGER_MASTER_KEY", "set LICENSELEDGER_MASTER_KEY to the right key: base 64 of 32 bytes"
	var master keyring.MasterKey
	var err error
	if c.MasterKey != "" {
		master, err = keyring.ParseMasterKey(c.MasterKey)
	} else {
		from, hint = c.in(masterKeyFile), "put the right "+masterKeyFile+" (mode 0600) into the data directory, or set LICENSELEDGER_MASTER_KEY"
		master, err = keyring.LoadMasterKey(c.in(masterKeyFile))
	}
	missing := errors.Is(err, os.ErrNotExist)
	if err != nil && !missing {
		d.fail(check, err.Error(), hint)
		return
	}
	if used {
		ctx, cancel := context.WithTimeout(ctx, doctorPatience)
		defer cancel()
		wrong := checkMasterKey(ctx, c, master)
		switch {
		case errors.Is(wrong, keyring.ErrNoKeys):
			used = false
		case wrong != nil && missing:
			d.fail(check, "there is none, and the keys are sealed with one", hint)
			return
		case wrong != nil:
			d.fail(check, wrong.Error(), hint)
			return
		}
	}
	switch {
	case missing && c.ReadModels.shared():
		d.warn(check, "none yet; the first start makes one in "+from, "set LICENSELEDGER_MASTER_KEY to one key for all instances, made by openssl rand -base64 32")
	case missing:
		d.ok(check, "none yet; the first start makes one in "+from)
	case !used:
		d.ok(check, from+"; it has sealed nothing yet")
	default:
		d.ok(check, from+" opens the keys")
	}
}

func checkMasterKey(ctx context.Context, c config, master keyring.MasterKey) (err error) {
	db, err := openTables(c.Keys, c.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return keyring.CheckMasterKey(ctx, db, master)
}

func (d *diagnosis) examineAdminKey(c config) {
	const check = "admin key"
	if c.AdminKey != "" {
		d.ok(check, "configured")
		return
	}
	path := c.in(adminKeyFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the data directory
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.ok(check, "none yet; the first start makes one in "+path)
	case err != nil:
		d.fail(check, err.Error(), "make the file readable for the user who runs the server")
	case len(strings.TrimSpace(string(text))) < minAdminKeyLength:
		d.fail(check, fmt.Sprintf("%s is shorter than %d characters", path, minAdminKeyLength), "remove the file to have a new key made")
	default:
		if err := private(path); err != nil {
			d.failed(check, err)
			return
		}
		d.ok(check, path)
	}
}
