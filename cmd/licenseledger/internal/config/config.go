// Package config has the settings of the program: one table, from which flags, environment variables, keys of the configuration file,
// checks and docs/configuration.md are derived.
package config

import (
	"path/filepath"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
)

// Role is what one of several instances does.
type Role string

// The roles.
const (
	RoleAll       Role = "all"
	RoleAPI       Role = "api"       // answers clients
	RoleProjector Role = "projector" // keeps read models up to date and records time-driven transitions
)

// Config is what the program runs with.
type Config struct {
	backends.Settings

	Role             Role
	Listen           string
	Docs             string // on or off
	Issuer           string
	AdminKey         string
	LicenseCacheSize int
	ShutdownTimeout  time.Duration
	ClockSettle      time.Duration

	MaxStreams             int
	MaxStreamsPerPrincipal int

	LogLevel  string
	LogFormat string

	Sources  []Source // where every value comes from
	Warnings []string // about deprecated names
}

// Source is one setting with its value and where that came from. Secrets are hidden.
type Source struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// AdminKeyFile is the path of the admin API key in the data directory.
func (c Config) AdminKeyFile() string { return filepath.Join(c.DataDir, adminkey.File) }
