package upgrade

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// maxFile bounds a file of a fixture, unpacked.
const maxFile = 64 << 20

// Pack writes the files of a data directory, but its lock, to an archive.
func Pack(dir, archive string) (err error) {
	file, err := os.Create(archive) //nolint:gosec // the path is the caller's
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	compressed, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		return err
	}
	packed := tar.NewWriter(compressed)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "lock" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name())) //nolint:gosec // the folder is the caller's
		if err != nil {
			return err
		}
		header := &tar.Header{Name: entry.Name(), Mode: 0o600, Size: int64(len(text)), Typeflag: tar.TypeReg}
		if err := packed.WriteHeader(header); err != nil {
			return err
		}
		if _, err := packed.Write(text); err != nil {
			return err
		}
	}
	return errors.Join(packed.Close(), compressed.Close())
}

// Unpack makes a data directory of an archive.
func Unpack(archive, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.Open(archive) //nolint:gosec // the path is the caller's
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	packed := tar.NewReader(text)
	for {
		header, err := packed.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", archive, err)
		}
		content, err := io.ReadAll(io.LimitReader(packed, maxFile))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(header.Name)), content, 0o600); err != nil {
			return err
		}
	}
}

// Restore runs a dump in an empty PostgreSQL database.
func Restore(ctx context.Context, dump, database string) (err error) {
	file, err := os.Open(dump) //nolint:gosec // the path is the caller's
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	statements, err := io.ReadAll(io.LimitReader(text, maxFile))
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.PgConn().Exec(ctx, string(statements)).ReadAll()
	return err
}
