package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// report is everything that was measured.
type report struct {
	At          time.Time `json:"at"`
	Machine     string    `json:"machine"`
	Go          string    `json:"go"`
	Engines     string    `json:"engines"` // of events and read models
	Clients     int       `json:"clients"`
	Seconds     float64   `json:"seconds"` // of each measurement
	Activations measured  `json:"activations"`
	Validations measured  `json:"validations"`
	// The same with all machines at one licence, and how many there were in the end.
	ActivationsAtOne measured `json:"activations_at_one_license"`
	ValidationsAtOne measured `json:"validations_at_one_license"`
	MachinesAtOne    uint64   `json:"machines_at_one_license"`

	RawHTTP    measured  `json:"raw_http"`
	RawAppends float64   `json:"raw_grouped_events_per_second"`
	Events     uint64    `json:"events_asked_for"` // in the ledger that was rebuilt
	Rebuilds   []rebuilt `json:"rebuilds"`
}

// machine describes the processors.
func machine() string {
	model := "unknown processor"
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d × %s, %s/%s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH)
}

func (r report) print(out io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	_, err := io.WriteString(out, r.table())
	return err
}

func (r report) table() string {
	var b strings.Builder
	write := func(format string, arguments ...any) { _, _ = fmt.Fprintf(&b, format+"\n", arguments...) }
	count := func(n float64) string { return humanize.Comma(int64(n)) }
	share := func(part, whole float64) string { return fmt.Sprintf("%.0f %%", 100*part/whole) }
	latency := func(m measured) string { return fmt.Sprintf("%.1f / %.1f / %.1f ms", m.P50, m.P95, m.P99) }

	write("%s, %s, %s, %s. %d clients on loopback, each with one request under way, sharing the processors with the server; %.0f s each.\n",
		r.At.Format(time.DateOnly), r.Machine, r.Go, r.Engines, r.Clients, r.Seconds)
	cpu := func(m measured) string { return fmt.Sprintf("%.0f µs", m.CPU) }
	write("| over HTTP | per second | p50 / p95 / p99 | server's CPU time each | of the raw limit |")
	write("| --- | ---: | ---: | ---: | --- |")
	write("| activations, durable and signed | %s | %s | %s | %s of the engine's grouped appends (2 events each), %s of bare HTTP |",
		count(r.Activations.PerSecond), latency(r.Activations), cpu(r.Activations), share(2*r.Activations.PerSecond, r.RawAppends),
		share(r.Activations.PerSecond, r.RawHTTP.PerSecond))
	write("| the same, all of one licence | %s | %s | %s | %s of those spread over many |", count(r.ActivationsAtOne.PerSecond),
		latency(r.ActivationsAtOne), cpu(r.ActivationsAtOne), share(r.ActivationsAtOne.PerSecond, r.Activations.PerSecond))
	write("| validations | %s | %s | %s | %s of bare HTTP |",
		count(r.Validations.PerSecond), latency(r.Validations), cpu(r.Validations), share(r.Validations.PerSecond, r.RawHTTP.PerSecond))
	write("| the same, all of one licence with %s machines | %s | %s | %s | %s of those spread over many |", count(float64(r.MachinesAtOne)),
		count(r.ValidationsAtOne.PerSecond), latency(r.ValidationsAtOne), cpu(r.ValidationsAtOne),
		share(r.ValidationsAtOne.PerSecond, r.Validations.PerSecond))
	write("| raw limit: an Echo handler that only decodes and encodes | %s | %s | %s | |", count(r.RawHTTP.PerSecond), latency(r.RawHTTP),
		cpu(r.RawHTTP))
	write("| raw limit: grouped appends of the engine, 64 clients | %s events | | | |", count(r.RawAppends))
	if len(r.Rebuilds) == 0 {
		return b.String()
	}
	write("\n| rebuild | events | seconds | events per second |")
	write("| --- | ---: | ---: | ---: |")
	var events uint64
	var seconds float64
	for _, done := range r.Rebuilds {
		write("| %s | %s | %.1f | %s |", done.Name, count(float64(done.Events)), done.Seconds, count(done.PerSecond))
		events, seconds = max(events, done.Events), seconds+done.Seconds
	}
	write("| all, one after the other | %s | %.1f | %s |", count(float64(events)), seconds, count(float64(events)/seconds))
	if events < r.Events {
		write("\n%s events were asked for; the ledger was filled for no longer than %s.", count(float64(r.Events)), fillLimit)
	}
	return b.String()
}
