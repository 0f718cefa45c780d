package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/pflag"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// Variables that are no settings: `ledger copy` and `keys copy` take endpoints with a password from them.
const (
	CopyFromVariable = EnvPrefix + "COPY_FROM"
	CopyToVariable   = EnvPrefix + "COPY_TO"
)

// toolVariables are for the tests, the benchmarks and their scripts. The program ignores them.
var toolVariables = regexp.MustCompile(`^LICENSELEDGER_(BINARY|CRASH_ROUNDS|TORTURE|(TEST|BENCH)_[A-Z0-9_]+)$`)

// serviceVariables are those that Kubernetes gives every container for each service of its namespace, here for services whose names begin
// with "licenseledger": https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables.
var serviceVariables = regexp.MustCompile(`^LICENSELEDGER_([A-Z0-9_]+_)?` +
	`(SERVICE_HOST=|SERVICE_PORT(_[A-Z0-9_]+)?=|PORT=(tcp|udp|sctp)://|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=)`)

// keys are the names of all settings, former ones included.
func keys() []string {
	var all []string
	for _, s := range Settings() {
		all = append(append(all, s.Key), s.Old...)
		if s.fromFile() {
			all = append(all, s.Key+fileSuffix)
		}
	}
	return all
}

// checkVariables returns an error for a variable that looks like a setting and is none: it is misspelt, and what it says would not be done.
func checkVariables(environ []string) error {
	known := []string{variable("config"), CopyFromVariable, CopyToVariable}
	for _, key := range keys() {
		known = append(known, variable(key))
	}
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if len(name) < len(EnvPrefix) || !strings.EqualFold(name[:len(EnvPrefix)], EnvPrefix) || slices.Contains(known, name) ||
			toolVariables.MatchString(name) || serviceVariables.MatchString(e) {
			continue
		}
		return hint.New(fmt.Errorf("the environment variable %s is not a setting", name), suggest(name, known))
	}
	return nil
}

// UnknownFlag adds the nearest flag of a command to the error about one that it does not have.
func UnknownFlag(err error, flags *pflag.FlagSet) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	var known []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, "--"+f.Name)
		}
	})
	return hint.New(err, suggest("--"+unknown.GetSpecifiedName(), known))
}

// suggest is a hint that names the nearest of the known names, if one is near.
func suggest(name string, known []string) string {
	// A quarter of the letters may differ: fewer miss swapped words, more suggest names that nobody meant.
	const quarter = 4
	nearest, least := "", len(name)/quarter+1
	for _, k := range known {
		if distance := levenshtein.ComputeDistance(strings.ToUpper(name), strings.ToUpper(k)); distance < least {
			nearest, least = k, distance
		}
	}
	if nearest == "" {
		return "`licenseledger config` lists the settings"
	}
	return "did you mean " + nearest + "? `licenseledger config` lists the settings"
}
