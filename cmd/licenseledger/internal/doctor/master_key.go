package doctor

import (
	"context"
	"errors"
	"os"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/keyring"
)

// examineMasterKey checks whether the master key opens the keys.
func (d *examination) examineMasterKey(ctx context.Context, c config.Config, used bool) {
	const check = "master key"
	from, hint := "LICENSELEDGER_MASTER_KEY", "set LICENSELEDGER_MASTER_KEY to the right key: base 64 of 32 bytes"
	var master keyring.MasterKey
	var err error
	if c.MasterKey != "" {
		master, err = keyring.ParseMasterKey(c.MasterKey)
	} else {
		from, hint = c.In(backends.MasterKeyFile), "put the right "+backends.MasterKeyFile+" (mode 0600) into the data directory, or set "+
			"LICENSELEDGER_MASTER_KEY"
		master, err = keyring.LoadMasterKey(c.In(backends.MasterKeyFile))
	}
	missing := errors.Is(err, os.ErrNotExist)
	if err != nil && !missing {
		d.Fail(check, err.Error(), hint)
		return
	}
	if used {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		wrong := checkMasterKey(ctx, c, master)
		switch {
		case errors.Is(wrong, keyring.ErrNoKeys):
			used = false
		case wrong != nil && missing:
			d.Fail(check, "there is none, but the keys are sealed with one", hint)
			return
		case wrong != nil:
			d.Fail(check, wrong.Error(), hint)
			return
		}
	}
	switch {
	case missing && c.ReadModels.Shared():
		d.Warn(check, "none yet; the first start creates one in "+from, "set LICENSELEDGER_MASTER_KEY to one key for all instances, "+
			"created by: openssl rand -base64 32")
	case missing:
		d.OK(check, "none yet; the first start creates one in "+from)
	case !used:
		d.OK(check, from+"; it has sealed nothing yet")
	default:
		d.OK(check, from+" opens the keys")
	}
}

func checkMasterKey(ctx context.Context, c config.Config, master keyring.MasterKey) (err error) {
	db, err := c.Keys.Engine.OpenTables(c.Keys, c.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return keyring.CheckMasterKey(ctx, db, master)
}
