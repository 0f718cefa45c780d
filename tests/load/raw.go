package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// appendBenchmark is the engine's benchmark of 64 clients that each append two events at a time, as an activation does.
const appendBenchmark = "^BenchmarkStore$/^appends_of_2_by_64_clients$"

var eventsPerSecond = regexp.MustCompile(`([0-9.e+]+) events/s`)

// packages are where the engines of the event store are.
var packages = map[string]string{
	engines.SQLite: "./eventstore/sqlite", engines.PostgreSQL: "./eventstore/postgres", engines.EventStoreDB: "./eventstore/eventstoredb",
}

// rawAppends measures how many events the engine takes per second when nothing else is to do.
func rawAppends(ctx context.Context, engine string, duration time.Duration, progress io.Writer) (float64, error) {
	_, _ = fmt.Fprintln(progress, "measuring the engine's grouped appends")
	bench := exec.CommandContext(ctx, "go", "test", "-run", "^$", //nolint:gosec // ours
		"-bench", appendBenchmark, "-benchtime", duration.String(), packages[engine])
	bench.Dir, bench.Stderr = process.Repository(), progress
	out, err := bench.Output()
	if err != nil {
		return 0, fmt.Errorf("measure the engine: %w\n%s", err, out)
	}
	found := eventsPerSecond.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("the benchmark %s reports no events/s:\n%s", appendBenchmark, out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// serveRaw answers activations without doing anything: it decodes the question and encodes an answer of the usual size.
func serveRaw(ctx context.Context, out io.Writer) error {
	router := echo.New()
	id, certificate := uuid.New(), strings.Repeat("x", 1100)
	router.POST("/v1/activations", func(c *echo.Context) error {
		var asked api.ActivateMachine
		if err := c.Bind(&asked); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, api.Activation{
			ActivationID: id, BindingID: id, LicenseID: id, Certificate: certificate, ExpiresAt: time.Now(), Seats: api.Seats{Used: 1, Limit: seats},
		})
	})
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	server := &http.Server{Handler: router, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// rawHTTP measures how many requests per second such a bare server answers, in a process of its own like the real one.
func rawHTTP(ctx context.Context, s settings, progress io.Writer) (m measured, err error) {
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	bare := exec.CommandContext(ctx, self, "-raw") //nolint:gosec // this program
	bare.Stderr = progress
	out, err := bare.StdoutPipe()
	if err != nil {
		return m, err
	}
	if err := bare.Start(); err != nil {
		return m, err
	}
	defer func() {
		stop()
		_ = bare.Wait() // it was stopped on purpose
	}()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return m, fmt.Errorf("start the bare server: %w", err)
	}
	body := requestBody("0A1B2-C3D4E-5F6G7-H8J9K-MNPQR", 0)
	return driveFor(ctx, "measuring HTTP and JSON alone", strings.TrimSpace(url), bare.Process.Pid, s, progress, func(c *connection) error {
		_, err := c.mustPost("/v1/activations", "", body, http.StatusCreated)
		return err
	})
}
