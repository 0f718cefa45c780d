package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/schollz/progressbar/v3"
)

// measured is what many requests of one kind came to.
type measured struct {
	Requests  int64   `json:"requests"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P95       float64 `json:"p95_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
	CPU       float64 `json:"server_cpu_us"` // processor time of the server per request
}

const (
	longest = int64(time.Minute / time.Microsecond) // in microseconds; longer ones count as this
	digits  = 3                                     // of precision
)

// request sends one request on a connection. It returns errDone when there is nothing left to ask for.
type request func(*connection) error

var errDone = errors.New("done")

// drive lets clients send requests, each one after the other, until ctx ends or there is nothing left to ask for.
func drive(ctx context.Context, url string, clients int, bar *progressbar.ProgressBar, send request) (measured, error) {
	histograms, failures := make([]*hdrhistogram.Histogram, clients), make([]error, clients)
	var working sync.WaitGroup
	began := time.Now()
	for i := range clients {
		histograms[i] = hdrhistogram.New(1, longest, digits)
		working.Go(func() { failures[i] = client(ctx, url, histograms[i], bar, send) })
	}
	working.Wait()
	took := time.Since(began)
	all := hdrhistogram.New(1, longest, digits)
	for _, h := range histograms {
		all.Merge(h)
	}
	milliseconds := func(quantile float64) float64 { return float64(all.ValueAtQuantile(quantile)) / 1000 }
	return measured{
		Requests: all.TotalCount(), PerSecond: float64(all.TotalCount()) / took.Seconds(),
		P50: milliseconds(50), P95: milliseconds(95), P99: milliseconds(99), Max: float64(all.Max()) / 1000,
	}, errors.Join(failures...)
}

func client(ctx context.Context, url string, histogram *hdrhistogram.Histogram, bar *progressbar.ProgressBar, send request) (err error) {
	c, err := dial(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	unshown := 0
	for ctx.Err() == nil {
		began := time.Now()
		if err := send(c); err != nil {
			if errors.Is(err, errDone) {
				return nil
			}
			return err
		}
		_ = histogram.RecordValue(min(time.Since(began).Microseconds(), longest))
		if unshown++; unshown == 100 && bar != nil {
			_ = bar.Add(unshown)
			unshown = 0
		}
	}
	return nil
}

// driveFor lets clients work for a time, after a shorter one that does not count.
func driveFor(ctx context.Context, what, url string, pid int, s settings, progress io.Writer, send request) (measured, error) {
	warm, done := context.WithTimeout(ctx, s.duration/5)
	_, err := drive(warm, url, s.clients, nil, send)
	done()
	if err != nil {
		return measured{}, err
	}
	bar := newBar(progress, -1, what)
	timed, done := context.WithTimeout(ctx, s.duration)
	defer done()
	before := processorTime(pid)
	m, err := drive(timed, url, s.clients, bar, send)
	if m.Requests > 0 {
		m.CPU = float64((processorTime(pid) - before).Microseconds()) / float64(m.Requests)
	}
	return m, errors.Join(err, bar.Finish(), ctx.Err())
}

// newBar shows how far something has come; -1 when nobody knows how long it takes.
func newBar(progress io.Writer, total int64, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(progress), progressbar.OptionSetDescription(what), progressbar.OptionShowIts(), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(),
		progressbar.OptionOnCompletion(func() { _, _ = io.WriteString(progress, "\n") }))
}
