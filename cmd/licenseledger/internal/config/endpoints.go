package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// maxConnections bounds the settings of connections: more than this is a mistake.
const maxConnections = 1000

// endpointSettings say where the parts of a ledger are, and which namespace and how many connections each has in its server.
func endpointSettings() []Setting {
	events, readModels := backends.EnginesOf(engine.EventStore), backends.EnginesOf(engine.ReadModels)
	rows := []Setting{{Key: "eventstore", URL: true, Default: backends.File(backends.LedgerFile).Text,
		Usage: "where the events are: " + engine.Examples(events),
		set:   endpoint(func(c *Config) *engine.Endpoint { return &c.EventStore }, events)}}
	rows = append(rows, optionsOf(engine.EventStore)...)
	rows = append(rows, Setting{Key: "readmodels", URL: true, Default: backends.File(backends.ReadModelsFile).Text,
		Usage: "where read models and sealed keys are: " + engine.Examples(readModels), set: setReadModels(readModels)})
	rows = append(rows, optionsOf(engine.ReadModels)...)
	replicas := slices.DeleteFunc(slices.Clone(readModels), func(e *engine.Engine) bool { return e.CheckReplica == nil })
	replicaRule := errors.New("must be " + engine.Examples(replicas) + ", and so must readmodels")
	rows = append(rows, Setting{Key: "readmodels_replica", URL: true, Usage: engine.Examples(replicas) +
		" of a server that follows the one of readmodels and answers queries in its place",
		set: func(c *Config, value string) error {
			if value == "" {
				return nil
			}
			var ok bool
			if c.Replica, ok = engine.Parse(value, replicas...); !ok || c.ReadModels.Engine != c.Replica.Engine {
				return replicaRule
			}
			return nil
		}})
	return append(rows, optionsOf(engine.Keys)...)
}

// endpoint is a connection string of one of the engines.
func endpoint(field func(*Config) *engine.Endpoint, engines []*engine.Engine) func(*Config, string) error {
	return func(c *Config, value string) error {
		at, ok := engine.Parse(value, engines...)
		if !ok {
			return errors.New("must be " + engine.Examples(engines))
		}
		*field(c) = at
		return nil
	}
}

// setReadModels sets where the read models are, and with them the keys.
func setReadModels(engines []*engine.Engine) func(*Config, string) error {
	set := endpoint(func(c *Config) *engine.Endpoint { return &c.ReadModels }, engines)
	return func(c *Config, value string) error {
		if err := set(c, value); err != nil {
			return err
		}
		c.Keys = c.ReadModels
		if !c.Keys.Shared() {
			c.Keys = backends.File(backends.KeysFile)
		}
		return nil
	}
}

// optionsOf are the settings that the engines have for a part: a namespace and a number of connections.
func optionsOf(part engine.Part) []Setting {
	var rows []Setting
	for _, e := range backends.EnginesOf(part) {
		if ns := e.Namespace; ns != nil {
			row := Setting{Key: string(part) + "_" + ns.Setting, Engine: e, Default: ns.Default[part], Usage: ns.Usage[part]}
			row.set = option(part, row, func(at *engine.Endpoint, value string) error {
				at.Namespace = value
				return ns.Check(value)
			})
			if ns.Distinct {
				row.check = func(c Config) error { return checkDistinct(c, part, row.Key) }
			}
			rows = append(rows, row)
		}
		if limits, ok := e.Connections[part]; ok {
			row := Setting{Key: string(part) + "_connections", Engine: e, Default: strconv.Itoa(limits.Default), Usage: limits.Usage}
			row.set = option(part, row, func(at *engine.Endpoint, value string) error {
				n, err := strconv.Atoi(value)
				if err != nil || n < limits.Min || n > maxConnections {
					return fmt.Errorf("must be a whole number from %d to %d", limits.Min, maxConnections)
				}
				at.Connections = n
				return nil
			})
			rows = append(rows, row)
		}
	}
	return rows
}

// option sets an option of the part's endpoint. With another engine only the default is allowed, which sets nothing.
func option(part engine.Part, row Setting, set func(*engine.Endpoint, string) error) func(*Config, string) error {
	return func(c *Config, value string) error {
		at := endpointOf(c, part)
		if at.Engine == row.Engine {
			return set(at, value)
		}
		if value == row.Default {
			return nil
		}
		setting := part
		if part == engine.Keys { // which have no endpoint of their own
			setting, at = engine.ReadModels, &c.ReadModels
		}
		return fmt.Errorf("is for %s://…, but %s is %s", row.Engine.Name, setting, engine.Redacted(at.Text))
	}
}

func endpointOf(c *Config, part engine.Part) *engine.Endpoint {
	switch part {
	case engine.EventStore:
		return &c.EventStore
	case engine.ReadModels:
		return &c.ReadModels
	case engine.Keys:
	}
	return &c.Keys
}

// checkDistinct returns an error if another part of the ledger, before this one, has the same namespace.
func checkDistinct(c Config, part engine.Part, key string) error {
	at := endpointOf(&c, part)
	for _, other := range c.Parts() {
		if other.Name == part {
			break
		}
		if at.Engine == other.At.Engine && at.Engine.Namespace != nil && at.Engine.Namespace.Distinct && at.Namespace == other.At.Namespace {
			return hint.New(fmt.Errorf("%s is named more than once", at.Engine.Namespace.Describe(at.Namespace)),
				"give "+key+" and "+string(other.Name)+"_"+at.Engine.Namespace.Setting+" different names")
		}
	}
	return nil
}

// shared are the engines that several instances can use.
func shared(engines []*engine.Engine) []*engine.Engine {
	return slices.DeleteFunc(slices.Clone(engines), func(e *engine.Engine) bool { return e.Embedded })
}
