// Command licenseledger is the licence ledger: one binary that serves it, and the tools to look after it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/cli"
)

func main() {
	syscall.Umask(0o077) // files may contain personal data: they are for the owner only
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := cli.Run(ctx, os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	if err != nil {
		os.Exit(1)
	}
}
