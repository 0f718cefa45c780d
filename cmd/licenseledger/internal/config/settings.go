package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/httpapi"
	"github.com/licenseledger/licenseledger/rediscache"
)

// Setting is one row of the table.
type Setting struct {
	Key     string // as in the file; the flag has dashes, the environment variable capitals and a prefix
	Default string
	Usage   string
	Old     []string       // former keys, deprecated: each still works, with a warning
	Secret  bool           // never a flag, because others can read command lines; never printed
	URL     bool           // may contain a password: then it must not be given by flag, and the password is not printed
	Engine  *engine.Engine // the only one for which it has a meaning; nil: all

	set   func(c *Config, value string) error // parses the value, checks it and stores it; the error says the rule
	check func(c Config) error                // checks it against other settings; nil: nothing to check
}

// maxClockSettle bounds how long expiries may go unrecorded after the clock was set.
const maxClockSettle = 24 * time.Hour

const maxDuration = time.Duration(math.MaxInt64)

// Settings is the table. A new setting is a row here and a field of [Config]. A row may use what rows before it have set.
func Settings() []Setting {
	rows := []Setting{
		{Key: "data_dir", Default: "./data", Usage: "folder of the embedded databases and of keys that are not configured",
			set: text(func(c *Config) *string { return &c.DataDir }, nonEmpty("must name a folder"))},
	}
	rows = append(rows, endpointSettings()...)
	return append(rows, []Setting{
		{Key: "role", Default: string(RoleAll), Usage: "what this instance does: api, projector (read models and time-driven transitions) or all",
			set: choice(func(c *Config) *Role { return &c.Role }, RoleAPI, RoleProjector, RoleAll), check: checkRole},
		{Key: "redis", URL: true, Usage: "a Redis through which instances share caches: redis://…, rediss://…, unix://…, redis+sentinel://… or " +
			"redis+cluster://…; none when empty", set: text(func(c *Config) *string { return &c.Redis }, checkRedis)},
		{Key: "listen", Default: "127.0.0.1:8080", Usage: "address to serve HTTP on",
			set: text(func(c *Config) *string { return &c.Listen }, checkAddress)},
		{Key: "docs", Default: "on", Usage: "whether to serve the documentation of the API as pages (/docs, /redoc): on or off",
			set: choice(func(c *Config) *string { return &c.Docs }, "on", "off")},
		{Key: "issuer", Default: "licenseledger", Usage: "the issuer named in certificates",
			set: text(func(c *Config) *string { return &c.Issuer }, nonEmpty("must not be empty"))},
		{Key: "admin_key", Secret: true, Usage: "admin API key; created in DATA_DIR/admin.key when not configured",
			set: trimmed(text(func(c *Config) *string { return &c.AdminKey }, checkAdminKey))},
		{Key: "master_key", Secret: true, Usage: "base64 of 32 bytes that seal all keys; created in DATA_DIR/master.key when not configured",
			set: text(func(c *Config) *string { return &c.MasterKey }, nil)},
		{Key: "license_cache_size", Old: []string{"cached_licenses"}, Default: "65536", Usage: "how many folded licences to keep in memory",
			set: number(func(c *Config) *int { return &c.LicenseCacheSize }, 1, math.MaxInt)},
		{Key: "max_streams", Default: strconv.Itoa(httpapi.DefaultMaxStreams), Usage: "how many streams of the ledger clients may have open",
			set: number(func(c *Config) *int { return &c.MaxStreams }, 1, math.MaxInt)},
		{Key: "max_streams_per_principal", Default: strconv.Itoa(httpapi.DefaultMaxStreamsPerPrincipal),
			Usage: "how many of them one principal may have open",
			set:   number(func(c *Config) *int { return &c.MaxStreamsPerPrincipal }, 1, math.MaxInt)},
		{Key: "shutdown_timeout", Old: []string{"drain_timeout"}, Default: "15s", Usage: "how long requests may take to finish after SIGTERM",
			set: duration(func(c *Config) *time.Duration { return &c.ShutdownTimeout }, 0, maxDuration)},
		{Key: "clock_settle", Default: "10m", Usage: "how long a wall clock that was set must keep its new time before it is trusted; " +
			"until then expiries are not recorded",
			set: duration(func(c *Config) *time.Duration { return &c.ClockSettle }, time.Second, maxClockSettle)},
		{Key: "log_level", Default: "info", Usage: "debug, info, warn or error",
			set: choice(func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error")},
		{Key: "log_format", Default: "text", Usage: "text or json", set: choice(func(c *Config) *string { return &c.LogFormat }, "text", "json")},
	}...)
}

func checkRole(c Config) error {
	if c.Role != RoleAll && !c.ReadModels.Shared() {
		return errors.New("must be all unless readmodels is " + engine.Examples(shared(backends.EnginesOf(engine.ReadModels))) +
			", which several instances can share")
	}
	return nil
}

func checkRedis(url string) error {
	if url != "" && rediscache.CheckURL(url) != nil {
		return errors.New("must be redis://HOST:PORT/DATABASE, rediss://…, unix:///PATH, redis+sentinel://HOST:PORT?master_name=NAME or " +
			"redis+cluster://HOST:PORT")
	}
	return nil
}

func checkAddress(address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return errors.New("must be an address such as 127.0.0.1:8080")
	}
	return nil
}

func checkAdminKey(key string) error {
	if key == "" {
		return nil
	}
	if err := adminkey.Check(key); err != nil {
		return hint.New(fmt.Errorf("the setting admin_key %w", err), adminkey.Hint)
	}
	return nil
}

// trimmed takes a value without the blanks and line ends around it, which editors and `echo` add.
func trimmed(set func(*Config, string) error) func(*Config, string) error {
	return func(c *Config, value string) error { return set(c, strings.TrimSpace(value)) }
}

func nonEmpty(rule string) func(string) error {
	return func(value string) error {
		if value == "" {
			return errors.New(rule)
		}
		return nil
	}
}

// text is a setting without a form of its own. A nil check allows everything.
func text(field func(*Config) *string, check func(string) error) func(*Config, string) error {
	return func(c *Config, value string) error {
		*field(c) = value
		if check == nil {
			return nil
		}
		return check(value)
	}
}

func choice[T ~string](field func(*Config) *T, allowed ...T) func(*Config, string) error {
	return func(c *Config, value string) error {
		var names []string
		for _, a := range allowed {
			if string(a) == value {
				*field(c) = a
				return nil
			}
			names = append(names, string(a))
		}
		last := len(names) - 1
		return errors.New("must be " + strings.Join(names[:last], ", ") + " or " + names[last])
	}
}

func number(field func(*Config) *int, least, most int) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err == nil && n >= least && n <= most {
			*field(c) = n
			return nil
		}
		if most == math.MaxInt {
			return fmt.Errorf("must be a whole number of at least %d", least)
		}
		return fmt.Errorf("must be a whole number from %d to %d", least, most)
	}
}

func duration(field func(*Config) *time.Duration, least, most time.Duration) func(*Config, string) error {
	return func(c *Config, value string) error {
		d, err := time.ParseDuration(value)
		if err == nil && d >= least && d <= most {
			*field(c) = d
			return nil
		}
		if most == maxDuration {
			return errors.New("must be a duration such as 15s")
		}
		return fmt.Errorf("must be a duration of %s to %s, such as 10m", least, most)
	}
}
