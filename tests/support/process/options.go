package process

import (
	"os"
	"strings"
)

// Options say how the program is started. Whatever sets one engine apart from another belongs in here, so that the same
// scenarios can run on each.
type Options struct {
	Binary   string
	DataDir  string
	Flags    []string // for every command line, such as those that choose an engine
	Env      []string // NAME=value
	Listen   string   // a free port of the loopback interface unless given
	AdminKey string   // made by the server unless given
}

// flags are what every command line has.
func (o Options) flags() []string { return append([]string{"--data-dir", o.DataDir}, o.Flags...) }

func (o Options) serve() []string {
	listen := o.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	return append([]string{"serve", "--listen", listen}, o.flags()...)
}

// environment is that of the tests, without what would configure the program behind their back.
func (o Options) environment() []string {
	var environ []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "LICENSELEDGER_") {
			environ = append(environ, variable)
		}
	}
	if o.AdminKey != "" {
		environ = append(environ, "LICENSELEDGER_ADMIN_KEY="+o.AdminKey)
	}
	return append(environ, o.Env...)
}
