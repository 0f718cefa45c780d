package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/permissions"
)

// fileSuffix makes the name of a setting that of the file with its value.
const fileSuffix = "_file"

// maxSecretFile bounds the size of a file with a secret, in bytes.
const maxSecretFile = 64 << 10

// fromFile reports whether the value of a setting may be in a file of its own: it is a secret, or may contain one.
func (s Setting) fromFile() bool { return s.Secret || s.URL }

// readSecret reads a value from a file that others may neither read nor write, without the blanks and line ends around it. The error does
// not contain the value.
func readSecret(key, path string) (string, error) {
	name := key + fileSuffix
	info, err := os.Stat(path)
	if err != nil {
		return "", hint.New(fmt.Errorf("the setting %s names a file that cannot be read: %w", name, err), "name an existing file")
	}
	if err := permissions.RequirePrivate(path); err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecretFile {
		return "", hint.New(fmt.Errorf("the setting %s must name a file of at most %d KiB", name, maxSecretFile>>10),
			"put the value of "+key+" and nothing else into the file")
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", hint.New(fmt.Errorf("the setting %s names a file that cannot be read: %w", name, err),
			"make it readable for the user who runs the program")
	}
	value := strings.TrimSpace(string(text))
	if value == "" {
		return "", hint.New(errors.New("the file that the setting "+name+" names is empty"), "put the value of "+key+" into it")
	}
	return value, nil
}
