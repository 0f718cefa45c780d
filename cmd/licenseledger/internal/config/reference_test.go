package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the reference of settings")

const reference = "../../../../docs/configuration.md"

// referenceHead has quotes where the document has backticks.
var referenceHead = strings.ReplaceAll(`# Configuration

<!-- Generated from the table of settings by 'make generate'. Do not edit. -->

A setting has one name everywhere: 'data_dir' in the file that '--config' names, 'LICENSELEDGER_DATA_DIR' in the environment,
'--data-dir' as a flag. A flag wins over the environment, which wins over the file. Secrets cannot be flags, because other users of the
machine can read command lines; URLs with a password cannot either. 'licenseledger config' shows every value and where it comes from,
without secrets. A setting that is a secret or may contain one can be in a file of its own, as Docker and Kubernetes mount secrets:
'admin_key_file', 'LICENSELEDGER_ADMIN_KEY_FILE' or '--admin-key-file' names it. Others may neither read nor write such a file, nor a
configuration file with a secret in it.

| setting | default | meaning |
| --- | --- | --- |
`, "'", "`")

// settingsReference is docs/configuration.md.
func settingsReference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, s := range Settings() {
		initial := "none"
		if s.Default != "" {
			initial = "`" + s.Default + "`"
		}
		meaning := s.Usage
		if s.Secret {
			meaning += " (secret: environment or file only)"
		}
		if s.fromFile() {
			meaning += fmt.Sprintf(" (or `%s`: a file with the value)", s.Key+fileSuffix)
		}
		if s.Engine != nil {
			meaning += fmt.Sprintf(" (only with `%s://`)", s.Engine.Name)
		}
		for _, old := range s.Old {
			meaning += fmt.Sprintf(" (formerly `%s`, deprecated: it still works, with a warning)", old)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Key, initial, strings.ReplaceAll(meaning, "|", `\|`))
	}
	return b.String()
}

func TestTheReferenceOfSettingsIsCurrent(t *testing.T) {
	t.Parallel()
	if *update {
		require.NoError(t, os.WriteFile(reference, []byte(settingsReference()), 0o644))
	}
	written, err := os.ReadFile(reference)
	require.NoError(t, err, "run `make generate`")
	require.Equal(t, settingsReference(), string(written), "run `make generate`")
}
