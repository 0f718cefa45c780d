package readmodels

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// preparedStatements keeps the statements that projections repeat, per generation of their tables. The zero value is ready.
type preparedStatements struct {
	mu           sync.Mutex
	byGeneration map[generationOf]map[string]*sql.Stmt
}

type generationOf struct {
	name       string
	generation int64
}

// maxPrepared bounds the statements kept of one generation. A projection has a few dozen.
const maxPrepared = 256

// all returns the statements prepared on the pool, ready to be used in a transaction.
func (p *preparedStatements) all(ctx context.Context, db *sql.DB, at Checkpoint, statements []Statement) (map[string]*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := generationOf{at.Name, at.Generation}
	kept := p.byGeneration[of]
	if len(kept) > maxPrepared {
		if err := p.drop(of); err != nil {
			return nil, err
		}
		kept = nil
	}
	if kept == nil {
		if p.byGeneration == nil {
			p.byGeneration = map[generationOf]map[string]*sql.Stmt{}
		}
		kept = map[string]*sql.Stmt{}
		p.byGeneration[of] = kept
	}
	wanted := map[string]*sql.Stmt{}
	for _, s := range statements {
		if wanted[s.SQL] != nil {
			continue
		}
		stmt := kept[s.SQL]
		if stmt == nil {
			var err error
			if stmt, err = db.PrepareContext(ctx, s.SQL); err != nil {
				return nil, err
			}
			kept[s.SQL] = stmt
		}
		wanted[s.SQL] = stmt
	}
	return wanted, nil
}

// forget closes the statements of a generation that is no longer written.
func (p *preparedStatements) forget(name string, generation int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drop(generationOf{name, generation})
}

// close closes all statements.
func (p *preparedStatements) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for of := range p.byGeneration {
		errs = append(errs, p.drop(of))
	}
	return errors.Join(errs...)
}

func (p *preparedStatements) drop(of generationOf) error {
	var errs []error
	for _, stmt := range p.byGeneration[of] {
		errs = append(errs, stmt.Close())
	}
	delete(p.byGeneration, of)
	return errors.Join(errs...)
}
