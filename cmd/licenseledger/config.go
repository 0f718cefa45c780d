package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/licenseledger/licenseledger/httpapi"
	"github.com/licenseledger/licenseledger/rediscache"
)

// setting is one thing that can be configured: by flag, by environment, by file, under the same name everywhere.
type setting struct {
	key     string // as in the file; the flag has dashes, the environment variable capitals and a prefix
	initial string
	old     []string // former keys, deprecated: each still works, with a warning
	secret  bool     // never a flag, since a command line can be read by others; never printed
	url     bool     // may hold a password: then it must not be given by flag, and the password is not printed
	engine  engine   // the only one for which it has a meaning; empty: all
	usage   string
}

const envPrefix = "LICENSELEDGER_"

func settings() []setting {
	return slices.Concat([]setting{
		{key: "data_dir", initial: "./data", usage: "folder of the embedded databases and of keys that are not given"},
	}, placeSettings(), []setting{
		{key: "role", initial: "all", usage: "what this instance does: api, projector (and what time brings about), or all"},
		{key: "redis", url: true, usage: "a Redis through which instances share caches: redis://…, rediss://…, unix://…, redis+sentinel://… or redis+cluster://…; none when empty"},
		{key: "listen", initial: "127.0.0.1:8080", usage: "address to serve HTTP on"},
		{key: "issuer", initial: "licenseledger", usage: "the issuer named in certificates"},
		{key: "admin_key", secret: true, usage: "admin API key; made and kept in DATA_DIR/admin.key when not given"},
		{key: "master_key", secret: true, usage: "base64 of 32 bytes that seal all keys; made and kept in DATA_DIR/master.key when not given"},
		{key: "license_cache_size", old: []string{"cached_licenses"}, initial: "65536", usage: "how many folded licences to keep in memory"},
		{key: "max_streams", initial: strconv.Itoa(httpapi.DefaultMaxStreams), usage: "how many streams of the ledger clients may have open"},
		{key: "max_streams_per_principal", initial: strconv.Itoa(httpapi.DefaultMaxStreamsPerPrincipal), usage: "how many of them one principal may have open"},
		{key: "shutdown_timeout", old: []string{"drain_timeout"}, initial: "15s", usage: "how long requests may take to finish after SIGTERM"},
		{key: "clock_settle", initial: "10m", usage: "how long a wall clock that was set must keep its new time before it is believed; until then expiries are not recorded"},
		{key: "log_level", initial: "info", usage: "debug, info, warn or error"},
		{key: "log_format", initial: "text", usage: "text or json"},
	})
}

// role is what one of several instances does.
type role string

// The roles.
const (
	roleAll       role = "all"
	roleAPI       role = "api"       // answers clients
	roleProjector role = "projector" // keeps read models up to date and has what time brings about recorded
)

// config is what the program runs with.
type config struct {
	DataDir          string
	EventStore       location
	ReadModels       location
	Keys             location // beside the read models, in a file of their own where these are in one
	Replica          location // none: its text is empty
	Role             role
	Redis            string // a URL that may hold a password; empty: none
	Listen           string
	Issuer           string
	AdminKey         string
	MasterKey        string
	LicenseCacheSize int
	ShutdownTimeout  time.Duration
	ClockSettle      time.Duration

	MaxStreams             int
	MaxStreamsPerPrincipal int

	LogLevel  string
	LogFormat string
	sources   []sourced
	warnings  []string // about deprecated names
}

// sourced is one setting with its value and where that came from.
type sourced struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

func configFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("config", pflag.ContinueOnError)
	flags.String("config", "", "YAML file with settings (LICENSELEDGER_CONFIG)")
	for _, s := range settings() {
		if !s.secret {
			flags.String(flagName(s.key), s.initial, s.usage+" ("+envPrefix+strings.ToUpper(s.key)+")")
			for _, old := range s.old {
				flags.String(flagName(old), s.initial, "deprecated: use --"+flagName(s.key))
				_ = flags.MarkHidden(flagName(old))
			}
		}
	}
	return flags
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

// configOf loads the configuration of a command line and prints a warning for each deprecated name in it.
func configOf(cmd *cobra.Command) (config, error) {
	c, err := loadConfig(cmd.Flags(), os.Environ())
	for _, warning := range c.warnings {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "licenseledger: warning: "+warning)
	}
	return c, err
}

// loadConfig takes every setting from the flag if it was given, else the environment, else the file, else its default.
func loadConfig(flags *pflag.FlagSet, environ []string) (config, error) {
	type layer struct {
		name   string
		values *koanf.Koanf
	}
	layers := []layer{{"default", koanf.New(".")}}
	initial := map[string]any{}
	for _, s := range settings() {
		initial[s.key] = s.initial
	}
	if err := layers[0].values.Load(confmap.Provider(initial, "."), nil); err != nil {
		return config{}, err
	}
	environment := koanf.New(".")
	if err := environment.Load(env.Provider(".", env.Opt{Prefix: envPrefix, EnvironFunc: func() []string { return environ }, TransformFunc: known}), nil); err != nil {
		return config{}, err
	}
	path, _ := flags.GetString("config")
	if path == "" {
		path = environment.String("config")
	}
	if path != "" {
		fromFile, err := loadFile(path)
		if err != nil {
			return config{}, err
		}
		layers = append(layers, layer{"file " + path, fromFile})
	}
	layers = append(layers, layer{"environment", environment})
	given := koanf.New(".")
	if err := given.Load(posflag.ProviderWithFlag(flags, ".", nil, func(f *pflag.Flag) (string, any) {
		if !f.Changed {
			return "", nil
		}
		return strings.ReplaceAll(f.Name, "-", "_"), f.Value.String()
	}), nil); err != nil {
		return config{}, err
	}
	layers = append(layers, layer{"flag", given})

	values := map[string]string{}
	var c config
	for _, s := range settings() {
		from := sourced{Key: s.key}
		for _, l := range layers {
			// The present name comes last, so it wins over a former one in the same layer.
			for _, key := range append(slices.Clone(s.old), s.key) {
				if !l.values.Exists(key) {
					continue
				}
				from.Value, from.Source = l.values.String(key), l.name
				if key != s.key {
					c.warnings = append(c.warnings, fmt.Sprintf("the setting %s (%s) is deprecated: use %s", key, l.name, s.key))
				}
			}
		}
		values[s.key] = from.Value
		switch {
		case s.secret && from.Value != "":
			from.Value = "(secret)"
		case s.url && from.Source == "flag" && holdsSecret(from.Value):
			return config{}, &advice{errors.New("the setting " + s.key + " holds a password, and others can read command lines"),
				"give it as " + envPrefix + strings.ToUpper(s.key) + ", or in the file that --config names"}
		case s.url:
			from.Value = redacted(from.Value)
		}
		c.sources = append(c.sources, from)
	}
	return c, c.read(values)
}

// known maps an environment variable to its setting; others are left alone.
func known(name, value string) (string, any) {
	key := strings.ToLower(strings.TrimPrefix(name, envPrefix))
	if key == "config" || isSetting(key) {
		return key, value
	}
	return "", nil
}

// isSetting reports whether a key is the name of a setting, or a deprecated one.
func isSetting(key string) bool {
	return slices.ContainsFunc(settings(), func(s setting) bool { return s.key == key || slices.Contains(s.old, key) })
}

func loadFile(path string) (*koanf.Koanf, error) {
	values := koanf.New(".")
	if err := values.Load(file.Provider(path), yaml.Parser()); err != nil {
		return nil, &advice{fmt.Errorf("read the configuration %s: %w", path, err), "give an existing YAML file with --config or LICENSELEDGER_CONFIG"}
	}
	for _, key := range values.Keys() {
		if !isSetting(key) {
			return nil, &advice{fmt.Errorf("the configuration %s has an unknown setting %q", path, key), "`licenseledger config` lists the settings"}
		}
	}
	return values, nil
}

// read turns the texts into values and checks them.
func (c *config) read(values map[string]string) error {
	c.DataDir, c.Listen, c.Issuer = values["data_dir"], values["listen"], values["issuer"]
	c.AdminKey, c.MasterKey = values["admin_key"], values["master_key"]
	c.LogLevel, c.LogFormat = values["log_level"], values["log_format"]
	if err := c.readPlaces(values); err != nil {
		return err
	}
	c.Role = role(values["role"])
	if !slices.Contains([]role{roleAll, roleAPI, roleProjector}, c.Role) {
		return wrongSetting("role", "must be api, projector or all")
	}
	if c.Role != roleAll && !c.ReadModels.shared() {
		return wrongSetting("role", "must be all unless readmodels is postgres://…, which several instances can share")
	}
	if c.Redis = values["redis"]; c.Redis != "" && rediscache.CheckURL(c.Redis) != nil {
		return wrongSetting("redis", "must be redis://HOST:PORT/DATABASE, rediss://…, unix:///PATH, redis+sentinel://HOST:PORT?master_name=NAME or redis+cluster://HOST:PORT")
	}
	var err error
	if c.LicenseCacheSize, err = strconv.Atoi(values["license_cache_size"]); err != nil || c.LicenseCacheSize < 1 {
		return wrongSetting("license_cache_size", "must be a whole number of at least 1")
	}
	if c.MaxStreams, err = strconv.Atoi(values["max_streams"]); err != nil || c.MaxStreams < 1 {
		return wrongSetting("max_streams", "must be a whole number of at least 1")
	}
	if c.MaxStreamsPerPrincipal, err = strconv.Atoi(values["max_streams_per_principal"]); err != nil || c.MaxStreamsPerPrincipal < 1 {
		return wrongSetting("max_streams_per_principal", "must be a whole number of at least 1")
	}
	if c.ShutdownTimeout, err = time.ParseDuration(values["shutdown_timeout"]); err != nil || c.ShutdownTimeout < 0 {
		return wrongSetting("shutdown_timeout", "must be a duration such as 15s")
	}
	if c.ClockSettle, err = time.ParseDuration(values["clock_settle"]); err != nil || c.ClockSettle < time.Second || c.ClockSettle > maxClockSettle {
		return wrongSetting("clock_settle", "must be a duration of 1s to 24h, such as 10m")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return wrongSetting("listen", "must be an address such as 127.0.0.1:8080")
	}
	if c.DataDir == "" {
		return wrongSetting("data_dir", "must name a folder")
	}
	if c.Issuer == "" {
		return wrongSetting("issuer", "must not be empty")
	}
	if c.AdminKey != "" && len(c.AdminKey) < minAdminKeyLength {
		return wrongSetting("admin_key", "must be at least 20 characters")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		return wrongSetting("log_level", "must be debug, info, warn or error")
	}
	if !slices.Contains([]string{"text", "json"}, c.LogFormat) {
		return wrongSetting("log_format", "must be text or json")
	}
	return nil
}

// maxClockSettle bounds how long expiries may go unrecorded because of a clock that was set.
const maxClockSettle = 24 * time.Hour

func wrongSetting(key, rule string) error {
	return &advice{errors.New("the setting " + key + " " + rule), "`licenseledger config` shows where every value comes from"}
}

// in returns the path of a file in the data directory.
func (c config) in(name string) string { return filepath.Join(c.DataDir, name) }

// makeDataDir makes the data directory, readable by its owner only.
func (c config) makeDataDir() error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return &advice{fmt.Errorf("make the data directory: %w", err), "choose a folder you may write to with --data-dir"}
	}
	return nil
}
