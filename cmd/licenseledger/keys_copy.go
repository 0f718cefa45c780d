package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/keyring"
)

func newKeysCommand() *cobra.Command {
	command := &cobra.Command{Use: "keys", Short: "Look after the keys"}
	command.AddCommand(newKeysCopyCommand())
	return command
}

func newKeysCopyCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "copy --from LOCATION --to LOCATION",
		Short: "Copy the sealed keys to another place",
		Long: "Copy the keys to a database that holds none, as when read models and keys move to PostgreSQL. Stop every server first.\n" +
			"The keys stay sealed: whoever uses the copy needs the same master key. Everything is copied or nothing.\n\n" +
			"The keys of a data directory are in sqlite:" + keysFile + ". Do not keep the old ones: a person who is erased later would stay\n" +
			"readable with them. A location with a password is not taken from the command line: give it as\n" +
			copyFromVariable + " or " + copyToVariable + ". --from-schema and --to-schema name the schemas in PostgreSQL.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			route, err := routeOf(cmd, c, engineSQLite, enginePostgreSQL)
			if err != nil {
				return err
			}
			rows, err := copyKeys(cmd.Context(), route)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]int{"rows": rows})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d rows were copied and read back the same\n", rows)
			return err
		},
	}
	locationFlags(command, "from", "location of the source ("+copyFromVariable+")", keyring.DefaultPostgresSchema, false)
	locationFlags(command, "to", "location of the target ("+copyToVariable+")", keyring.DefaultPostgresSchema, false)
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

func copyKeys(ctx context.Context, r route) (rows int, err error) {
	unlock, err := r.lock()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if !r.from.shared() {
		if _, err := os.Stat(r.from.file(r.dataDir)); err != nil {
			return 0, &advice{fmt.Errorf("the source: %w", err), "name the data directory with --data-dir"}
		}
	}
	from, err := openKeysAt(ctx, r.from, r.dataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, fmt.Errorf("the source: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := openKeysAt(ctx, r.to, r.dataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, fmt.Errorf("the target: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	rows, err = keyring.Copy(ctx, from, to)
	if errors.Is(err, keyring.ErrHoldsKeys) {
		made := "the file"
		if r.to.engine == enginePostgreSQL {
			made = "the schema " + r.to.schema
		}
		return 0, &advice{err, "if a server made them for nothing yet, drop what it made (" + made + ") and copy again"}
	}
	return rows, err
}

func openKeysAt(ctx context.Context, l location, dataDir string, logger *slog.Logger) (*keyring.Database, error) {
	if l.engine == enginePostgreSQL {
		return keyring.OpenPostgres(ctx, l.text, keyring.Schema(l.schema), keyring.MaxConnections(cmp.Or(l.connections, keyring.DefaultPostgresConnections)))
	}
	return keyring.OpenSQLite(ctx, l.file(dataDir), keyring.Logger(logger))
}
