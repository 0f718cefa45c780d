package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/tests/upgrade"
)

type object = map[string]any

// recorder sends commands and remembers them. After the first failure it sends nothing more: err says what failed.
type recorder struct {
	ctx    context.Context // of the one phase that runs
	client *upgrade.Client
	err    error

	commands  []upgrade.Exchange
	questions []upgrade.Exchange // verdicts to ask for when the fixture is opened
	products  []string
	licenses  []string
	floating  license // with a lease that runs out while the server is stopped
	erased    uuid.UUID
	leaseEnds time.Time
	head      uint64 // of the ledger as it is kept
}

// license is an issued licence.
type license struct{ id, key string }

// command sends a command with an Idempotency-Key of its own and requires a status.
func (p *recorder) command(name, path string, admin bool, body object, want int) object {
	return p.conditional(name, path, admin, body, want, nil)
}

// conditional is command with further headers.
func (p *recorder) conditional(name, path string, admin bool, body object, want int, headers map[string]string) object {
	if p.err != nil {
		return object{}
	}
	text, err := json.Marshal(body)
	if err != nil {
		p.err = err
		return object{}
	}
	e := upgrade.Exchange{
		Name: name, Method: http.MethodPost, Path: path, Admin: admin, Body: text,
		Headers: map[string]string{
			"Idempotency-Key": fmt.Sprintf("command %d: %s", len(p.commands)+1, name),
			"X-Request-Id":    fmt.Sprintf("request-%d", len(p.commands)+1),
		},
	}
	for header, value := range headers {
		e.Headers[header] = value
	}
	if strings.HasPrefix(path, "/v1/plans/") {
		e.Method = http.MethodPut
	}
	if e.Answer, p.err = p.client.Send(p.ctx, e); p.err != nil {
		return object{}
	}
	if e.Answer.Status != want {
		p.err = fmt.Errorf("%s: status %d instead of %d: %s", name, e.Answer.Status, want, e.Answer.Body)
		return object{}
	}
	p.commands = append(p.commands, e)
	answer := object{}
	p.err = json.Unmarshal(e.Answer.Body, &answer)
	return answer
}

// ask remembers a validation, and requires a verdict now.
func (p *recorder) ask(name string, body object, want string) {
	if p.err != nil {
		return
	}
	text, err := json.Marshal(body)
	if err != nil {
		p.err = err
		return
	}
	e := upgrade.Exchange{Name: name, Method: http.MethodPost, Path: "/v1/validate", Body: text}
	p.questions = append(p.questions, e)
	var verdict struct{ Code string }
	answer, err := p.client.Send(p.ctx, e)
	if err == nil {
		err = json.Unmarshal(answer.Body, &verdict)
	}
	if err == nil && verdict.Code != want {
		err = fmt.Errorf("%s: verdict %s instead of %s", name, verdict.Code, want)
	}
	p.err = err
}

// await waits until the licence has an event of a type.
func (p *recorder) await(l license, eventType string) {
	for deadline := time.Now().Add(30 * time.Second); p.err == nil; {
		var page struct{ Items []struct{ Type string } }
		p.err = p.client.Get(p.ctx, "/v1/ledger/events?limit=1000&stream=license-"+l.id, &page)
		for _, e := range page.Items {
			if e.Type == eventType {
				return
			}
		}
		if p.err == nil && time.Now().After(deadline) {
			p.err = fmt.Errorf("%s did not happen", eventType)
		}
	}
}

func (p *recorder) product(name string, body object) string {
	id := text(p.command("register "+name, "/v1/products", true, body, http.StatusCreated), "id")
	p.products = append(p.products, id)
	return id
}

func (p *recorder) plan(product string, body object) string {
	return text(p.command("publish "+text(body, "code"), "/v1/products/"+product+"/plans", true, body, http.StatusCreated), "id")
}

func (p *recorder) issue(name, plan string, members object) license {
	body := object{"product": "cad", "plan": plan, "customer": object{"name": "Ada Byron", "email": "ada@example.com"},
		"metadata": object{"case": name}}
	for member, value := range members {
		body[member] = value
	}
	answer := p.command("issue "+name, "/v1/licenses", true, body, http.StatusCreated)
	l := license{id: text(answer, "id"), key: text(answer, "key")}
	p.licenses = append(p.licenses, l.id)
	return l
}

// change carries out a command on a licence, such as "suspend".
func (p *recorder) change(l license, command string, members object) object {
	return p.tryChange(l, command, members, http.StatusOK)
}

func (p *recorder) tryChange(l license, command string, members object, want int) object {
	body := object{"reason": "because of " + command}
	for member, value := range members {
		body[member] = value
	}
	return p.command(command, "/v1/licenses/"+l.id+"/"+command, true, body, want)
}

func (p *recorder) activate(l license, machine object, want int) object {
	return p.command("activate", "/v1/activations", false, object{"license_key": l.key, "machine": machine}, want)
}

func (p *recorder) heartbeat(activation object, l license, machine object, want int) {
	p.command("heartbeat", "/v1/activations/"+text(activation, "activation_id")+"/heartbeat", false,
		object{"license_key": l.key, "machine": machine}, want)
}

func text(o object, member string) string {
	s, _ := o[member].(string)
	return s
}
