package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// BinaryVariable names the environment variable that holds the path of the program under test.
const BinaryVariable = "LICENSELEDGER_BINARY"

// Binary returns the path of the program under test: the one that the environment names, else one that is built into dir.
func Binary(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv(BinaryVariable); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "licenseledger")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/licenseledger") //nolint:gosec // the arguments are ours
	build.Dir = Repository()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, output)
	}
	return path, nil
}

// Repository returns the root of the repository that this file belongs to.
func Repository() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}
