package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/licenseledger/licenseledger/tests/upgrade"
)

// record asks everything there is to ask. Commands are repeated, and must be answered as they were the first time, but for
// what concerns the erased person.
func (p *recorder) record(ctx context.Context, client *upgrade.Client) (a upgrade.Answers, err error) {
	a.Head, a.Opened = p.head, p.head+1 // the lease that ran out lapses
	if err := client.Settle(ctx, a.Opened); err != nil {
		return a, err
	}
	for _, q := range append(p.shown(), p.questions...) {
		if q.Answer, err = client.Send(ctx, q); err != nil {
			return a, err
		}
		if q.Answer.Status != ok {
			return a, fmt.Errorf("%s: status %d: %s", q.Path, q.Answer.Status, q.Answer.Body)
		}
		a.Queries = append(a.Queries, q)
	}
	var different []error
	for _, c := range p.commands {
		first := c.Answer
		if c.Answer, err = client.Send(ctx, c); err != nil {
			return a, err
		}
		if c.Answer.Status != first.Status {
			different = append(different, fmt.Errorf("%s: repeated, it is answered with status %d instead of %d: %s", c.Name, c.Answer.Status,
				first.Status, c.Answer.Body))
		}
		if string(c.Answer.Body) != string(first.Body) && first.Status < http.StatusBadRequest && !strings.Contains(string(c.Body), "erased") {
			different = append(different, fmt.Errorf("%s: repeated, it is answered differently:\n  %s\n  %s", c.Name, first.Body, c.Answer.Body))
		}
		a.Commands = append(a.Commands, c)
	}
	head, err := client.Head(ctx)
	if err == nil && head != a.Opened {
		err = fmt.Errorf("asking and repeating moved the ledger from %d to %d", a.Opened, head)
	}
	return a, errors.Join(append(different, err)...)
}

// shown are the queries.
func (p *recorder) shown() []upgrade.Exchange {
	paths := []string{
		"/v1/ledger/events?limit=1000", "/v1/products?limit=200", "/v1/plans?limit=200", "/v1/plans?product=cad", "/v1/licenses?limit=200",
		"/v1/licenses?limit=3&sort=issued_at",
		"/v1/licenses?limit=200&sort=-expires_at", "/v1/licenses?limit=200&sort=customer_name", "/v1/licenses?product=rsa",
		"/v1/licenses?plan=trial",
		"/v1/licenses?customer=batch@example.com", "/v1/licenses?q=ada%20suspended&limit=200", "/v1/licenses?q=2024-0815",
		"/v1/licenses?q=erased%20person",
	}
	for _, status := range []string{"ACTIVE", "SUSPENDED", "EXPIRED", "REVOKED"} {
		paths = append(paths, "/v1/licenses?limit=200&status="+status)
	}
	for _, id := range p.products {
		paths = append(paths, "/v1/products/"+id, "/v1/products/"+id+"/jwks.json")
	}
	for _, id := range p.licenses {
		paths = append(paths, "/v1/licenses/"+id, "/v1/licenses/"+id+"/history?limit=200", "/v1/licenses/"+id+"/machines?limit=200")
	}
	queries := make([]upgrade.Exchange, len(paths))
	for i, path := range paths {
		queries[i] = upgrade.Exchange{Name: path, Method: http.MethodGet, Path: path, Admin: true}
	}
	return queries
}
