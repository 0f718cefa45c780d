package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// endpointFlags adds the flags that name an endpoint of a part, and its namespace on each engine.
func endpointFlags(command *cobra.Command, flag, usage string, part engine.Part) {
	command.Flags().String(flag, "", usage)
	for _, e := range enginesWithNamespaces(part) {
		command.Flags().String(flag+"-"+e.Namespace.Flag, e.Namespace.Default[part], e.Namespace.About+", if --"+flag+" is "+e.Name+"://…")
	}
}

func enginesWithNamespaces(part engine.Part) []*engine.Engine {
	var able []*engine.Engine
	for _, e := range backends.EnginesOf(part) {
		if e.Namespace != nil {
			able = append(able, e)
		}
	}
	return able
}

// endpointOf takes an endpoint from the flags of [endpointFlags], or else from an environment variable, where a password is not visible to
// others; found is false if neither names one.
func endpointOf(cmd *cobra.Command, flag, variable string, part engine.Part) (at engine.Endpoint, found bool, err error) {
	text, _ := cmd.Flags().GetString(flag)
	if engine.HoldsSecret(text) {
		return at, false, hint.New(errors.New("--"+flag+" contains a password, and others can read command lines"), "give it as "+variable)
	}
	if text == "" {
		text = os.Getenv(variable)
	}
	if text == "" {
		if name := namespaceFlag(cmd, flag, part); name != "" {
			return at, false, hint.New(errors.New("--"+name+" is given without --"+flag), "give --"+flag+" or "+variable+" as well")
		}
		return at, false, nil
	}
	engines := backends.EnginesOf(part)
	at, ok := engine.Parse(text, engines...)
	if !ok {
		return at, false, hint.New(errors.New("--"+flag+" ("+variable+") is not an endpoint of "+engine.Names(engines)),
			"give "+engine.Examples(engines))
	}
	at, err = withNamespace(cmd, flag, part, at)
	return at, true, err
}

// namespaceFlag returns the name of a flag that names a namespace, if one was given.
func namespaceFlag(cmd *cobra.Command, flag string, part engine.Part) string {
	for _, e := range enginesWithNamespaces(part) {
		if name := flag + "-" + e.Namespace.Flag; cmd.Flags().Changed(name) {
			return name
		}
	}
	return ""
}

// withNamespace reads the namespace of an endpoint. The flags of other engines are refused.
func withNamespace(cmd *cobra.Command, flag string, part engine.Part, at engine.Endpoint) (engine.Endpoint, error) {
	for _, e := range enginesWithNamespaces(part) {
		name := flag + "-" + e.Namespace.Flag
		if at.Engine != e {
			if cmd.Flags().Changed(name) {
				return at, fmt.Errorf("--%s is for %s://…, but --%s is %s", name, e.Name, flag, at)
			}
			continue
		}
		at.Namespace, _ = cmd.Flags().GetString(name)
		if err := e.Namespace.Check(at.Namespace); err != nil {
			return at, fmt.Errorf("--%s %w", name, err)
		}
	}
	return at, nil
}
