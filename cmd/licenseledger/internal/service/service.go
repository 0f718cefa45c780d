// Package service is the contract of everything that runs in the background of a server.
package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// Service runs in the background between Start and Stop.
type Service interface {
	// Name names the service in errors.
	Name() string
	// Start starts the service and returns when it is ready. ctx bounds the start only. After an error nothing runs.
	Start(ctx context.Context) error
	// Stop ends the service and returns when nothing of it runs any more. Without Start, and when repeated, it does nothing.
	Stop() error
	// Health returns an error while the service does not do its work.
	Health(ctx context.Context) error
}

// Group starts services in order and stops them in reverse order. A service may use those before it.
type Group struct {
	services []Service
	started  []Service
}

// NewGroup returns a group of services that do not run yet.
func NewGroup(services ...Service) *Group { return &Group{services: services} }

// Start starts all services. If one fails, it stops those that it has started.
func (g *Group) Start(ctx context.Context) error {
	for _, s := range g.services {
		if err := s.Start(ctx); err != nil {
			return errors.Join(fmt.Errorf("start %s: %w", s.Name(), err), g.Stop())
		}
		g.started = append(g.started, s)
	}
	return nil
}

// Stop stops what was started, last first.
func (g *Group) Stop() error {
	var all error
	for _, s := range slices.Backward(g.started) {
		if err := s.Stop(); err != nil {
			all = errors.Join(all, fmt.Errorf("stop %s: %w", s.Name(), err))
		}
	}
	g.started = nil
	return all
}

// Health returns the errors of the services that do not do their work.
func (g *Group) Health(ctx context.Context) error {
	var all error
	for _, s := range g.services {
		if err := s.Health(ctx); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", s.Name(), err))
		}
	}
	return all
}

// ErrNotRunning says that a service was not started, or ended.
var ErrNotRunning = errors.New("it does not run")

// Loop is a service that calls a function once, which works until its context ends.
type Loop struct {
	name string
	run  func(context.Context)

	running atomic.Bool
	stop    context.CancelFunc
	ended   chan struct{}
}

// NewLoop returns a loop that does not run yet.
func NewLoop(name string, run func(context.Context)) *Loop { return &Loop{name: name, run: run} }

// Name implements [Service].
func (l *Loop) Name() string { return l.name }

// Start implements [Service].
func (l *Loop) Start(ctx context.Context) error {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.ended = make(chan struct{})
	l.running.Store(true)
	go func() {
		defer close(l.ended)
		defer l.running.Store(false)
		l.run(ctx)
	}()
	return nil
}

// Stop implements [Service].
func (l *Loop) Stop() error {
	if l.stop != nil {
		l.stop()
		<-l.ended
	}
	return nil
}

// Health implements [Service].
func (l *Loop) Health(context.Context) error {
	if !l.running.Load() {
		return ErrNotRunning
	}
	return nil
}
