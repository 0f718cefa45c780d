package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/permissions"
)

// EnvPrefix begins the names of environment variables.
const EnvPrefix = "LICENSELEDGER_"

// Flags are the flags of all settings.
func Flags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("config", pflag.ContinueOnError)
	flags.String("config", "", "YAML file with settings ("+variable("config")+")")
	for _, s := range Settings() {
		if s.fromFile() {
			flags.String(flagName(s.Key+fileSuffix), "", "file with the value of "+s.Key+" ("+variable(s.Key+fileSuffix)+")")
		}
		if s.Secret {
			continue
		}
		flags.String(flagName(s.Key), s.Default, s.Usage+" ("+variable(s.Key)+")")
		for _, old := range s.Old {
			flags.String(flagName(old), s.Default, "deprecated: use --"+flagName(s.Key))
			_ = flags.MarkHidden(flagName(old))
		}
	}
	return flags
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

func variable(key string) string { return EnvPrefix + strings.ToUpper(key) }

// layer is one place that settings come from.
type layer struct {
	name   string
	lookup func(key string) (value string, found bool)
}

// Load takes every setting from the flag if it was given, else the environment, else the file, else its default.
func Load(flags *pflag.FlagSet, environ []string) (Config, error) {
	if err := checkVariables(environ); err != nil {
		return Config{}, err
	}
	environment := layer{"environment", lookupIn(environ)}
	var layers []layer
	path, _ := flags.GetString("config")
	if path == "" {
		path, _ = environment.lookup("config")
	}
	if path != "" {
		fromFile, err := readFile(path)
		if err != nil {
			return Config{}, err
		}
		layers = append(layers, fromFile)
	}
	layers = append(layers, environment, layer{"flag", func(key string) (string, bool) {
		f := flags.Lookup(flagName(key))
		if f == nil || !f.Changed {
			return "", false
		}
		return f.Value.String(), true
	}})

	var c Config
	settings := Settings()
	for _, s := range settings {
		value, source, warnings, err := find(s, layers)
		if err != nil {
			return c, err
		}
		c.Warnings = append(c.Warnings, warnings...)
		if s.URL && source == "flag" && engine.HoldsSecret(value) {
			return c, hint.New(errors.New("the setting "+s.Key+" contains a password, and others can read command lines"),
				"give it as "+variable(s.Key)+", or in the file that --config names")
		}
		c.Sources = append(c.Sources, Source{Key: s.Key, Value: s.shown(value), Source: source})
		if err := s.set(&c, value); err != nil {
			return c, refused(s.Key, err)
		}
	}
	for _, s := range settings {
		if s.check != nil {
			if err := s.check(c); err != nil {
				return c, refused(s.Key, err)
			}
		}
	}
	return c, nil
}

// find returns the value of a setting from the last layer that has it, or that names a file with it. In one layer the present name wins
// over former ones.
func find(s Setting, layers []layer) (value, source string, warnings []string, err error) {
	value, source = s.Default, "default"
	for _, l := range layers {
		given := false
		for _, key := range append(slices.Clone(s.Old), s.Key) {
			found, ok := l.lookup(key)
			if !ok {
				continue
			}
			value, source, given = found, l.name, found != ""
			if key != s.Key {
				warnings = append(warnings, fmt.Sprintf("the setting %s (%s) is deprecated: use %s", key, l.name, s.Key))
			}
		}
		path, _ := l.lookup(s.Key + fileSuffix)
		if !s.fromFile() || path == "" {
			continue
		}
		if given {
			return "", "", nil, hint.New(fmt.Errorf("%s and %s are both given (%s)", s.Key, s.Key+fileSuffix, l.name), "give one of them")
		}
		if value, err = readSecret(s.Key, path); err != nil {
			return "", "", nil, err
		}
		source = l.name + " (" + s.Key + fileSuffix + ")"
	}
	return value, source, warnings, nil
}

// shown is a value without what is secret in it.
func (s Setting) shown(value string) string {
	switch {
	case s.Secret && value != "":
		return "(secret)"
	case s.URL:
		return engine.Redacted(value)
	}
	return value
}

func refused(key string, err error) error {
	if hint.Of(err) != "" {
		return err
	}
	return hint.New(fmt.Errorf("the setting %s %w", key, err), "`licenseledger config` shows where every value comes from")
}

// lookupIn finds settings among environment variables.
func lookupIn(environ []string) func(string) (string, bool) {
	values := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			values[name] = value
		}
	}
	return func(key string) (string, bool) {
		value, found := values[variable(key)]
		return value, found
	}
}

// readFile reads a configuration file, which may contain settings only.
func readFile(path string) (layer, error) {
	values := koanf.New(".")
	if err := values.Load(file.Provider(path), yaml.Parser()); err != nil {
		return layer{}, hint.New(fmt.Errorf("read the configuration %s: %w", path, err),
			"give an existing YAML file with --config or "+variable("config"))
	}
	if err := requireSafeFile(path, values); err != nil {
		return layer{}, err
	}
	known := keys()
	for _, key := range values.Keys() {
		if !slices.Contains(known, key) {
			return layer{}, hint.New(fmt.Errorf("the configuration %s has an unknown setting %q", path, key), suggest(key, known))
		}
	}
	return layer{"file " + path, func(key string) (string, bool) { return values.String(key), values.Exists(key) }}, nil
}

// requireSafeFile returns an error if others may write a configuration file, or read one with a secret in it.
func requireSafeFile(path string, values *koanf.Koanf) error {
	for _, s := range Settings() {
		value := values.String(s.Key)
		if s.Secret && value != "" || s.URL && engine.HoldsSecret(value) {
			return permissions.RequirePrivate(path)
		}
	}
	return permissions.RequireUnwritable(path)
}
