package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// preparedStatements keeps the statements that projections repeat, per generation of their tables.
type preparedStatements struct {
	form func(portable string) string // how the engine likes its statements best

	mu           sync.Mutex
	byGeneration map[generationOf]map[string]*sql.Stmt
}

// maxPrepared bounds the statements kept of one generation. A projection has a few dozen.
const maxPrepared = 256

// lookup returns a query prepared on the reading pool.
func (p *preparedStatements) lookup(ctx context.Context, db *sql.DB, of generationOf, query string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.getOrPrepare(ctx, db, of, query)
}

// all returns the statements prepared on the pool, ready to be used in a transaction.
func (p *preparedStatements) all(ctx context.Context, db *sql.DB, of generationOf, statements []Statement) (map[string]*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.byGeneration[of]) > maxPrepared {
		if err := p.drop(of); err != nil {
			return nil, err
		}
	}
	wanted := map[string]*sql.Stmt{}
	for _, s := range statements {
		if wanted[s.SQL] != nil {
			continue
		}
		stmt, err := p.getOrPrepare(ctx, db, of, s.SQL)
		if err != nil {
			return nil, err
		}
		wanted[s.SQL] = stmt
	}
	return wanted, nil
}

// getOrPrepare returns a statement, prepared now or before.
func (p *preparedStatements) getOrPrepare(ctx context.Context, db *sql.DB, of generationOf, text string) (*sql.Stmt, error) {
	if stmt := p.byGeneration[of][text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, p.form(text))
	if err != nil {
		return nil, err
	}
	if p.byGeneration == nil {
		p.byGeneration = map[generationOf]map[string]*sql.Stmt{}
	}
	if p.byGeneration[of] == nil {
		p.byGeneration[of] = map[string]*sql.Stmt{}
	}
	p.byGeneration[of][text] = stmt
	return stmt, nil
}

// evict closes the statements of a generation that is no longer written.
func (p *preparedStatements) evict(of generationOf) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drop(of)
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
