package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
)

// planSpace is the namespace of plan ids (RFC 9562, section 5.5).
var planSpace = uuid.MustParse("6f0c1e0a-3a5f-5d0e-9d53-6d0b7d1f4c02")

// PlanID derives a plan's id from its code, so that a code is unique within a product without any index.
func PlanID(product uuid.UUID, code string) uuid.UUID {
	return uuid.NewSHA1(planSpace, append(product[:], code...))
}

const planPrefix aggregate.Prefix = "plan-"

// PlanAggregate defines the plan.
func PlanAggregate() aggregate.Definition[Plan] {
	return aggregate.Definition[Plan]{Prefix: planPrefix, Fold: FoldPlan, NotFound: ErrPlanNotFound}
}

// PlanStream names a plan's stream.
func PlanStream(id uuid.UUID) string { return planPrefix.Stream(id) }

// Plan is an offer of a product: its terms, which may be revised for licences to come. A nil Plan is one that does not exist.
type Plan struct {
	stream      event.StreamState
	ID          uuid.UUID
	ProductID   uuid.UUID
	Code        string
	Revision    int // 1 when published
	Terms       Terms
	PublishedAt time.Time
	RevisedAt   time.Time // of the latest terms
}

// StreamState returns how far the plan was read.
func (p *Plan) StreamState() event.StreamState {
	if p == nil {
		return event.StreamState{}
	}
	return p.stream
}

// FoldPlan returns the plan after further events. The given one is left as it is.
func FoldPlan(p *Plan, events ...event.Event) (*Plan, error) {
	next := &Plan{}
	if p != nil {
		*next = *p
	}
	for _, e := range events {
		switch happened := e.Payload.(type) {
		case PlanPublished:
			next.ID, next.ProductID, next.Code = happened.PlanID, happened.ProductID, happened.Code
			next.Revision, next.Terms = 1, happened.Terms
			next.PublishedAt, next.RevisedAt = happened.PublishedAt, happened.PublishedAt
		case PlanRevised:
			next.Revision, next.Terms, next.RevisedAt = happened.PlanRevision, happened.Terms, happened.RevisedAt
		default:
			return nil, fmt.Errorf("%s does not belong in the stream of a plan (position %d)", e.Type, e.Position)
		}
		next.stream = next.stream.Advance(e)
	}
	return next, nil
}

// Publish decides on a new plan of a product.
func (p *Plan) Publish(product *Product, code string, terms Terms, now time.Time) ([]event.Payload, error) {
	if product == nil {
		return nil, ErrProductNotFound
	}
	if p != nil {
		return nil, ErrPlanCodeTaken.WithMessage("the product has a plan with the code %q already", code)
	}
	terms = terms.WithDefaults()
	var check domainerr.Check
	check.Require(codePattern.MatchString(code), "code", codeRule)
	check.Nested("", terms.Validate())
	if err := check.Err(); err != nil {
		return nil, err
	}
	return []event.Payload{PlanPublished{
		PlanID:      PlanID(product.ID, code),
		ProductID:   product.ID,
		Code:        code,
		Terms:       terms,
		PublishedAt: now,
	}}, nil
}

// Revise decides on new terms for licences issued from now on. The same terms make no revision.
func (p *Plan) Revise(terms Terms, now time.Time) ([]event.Payload, error) {
	if p == nil {
		return nil, ErrPlanNotFound
	}
	terms = terms.WithDefaults()
	if err := terms.Validate(); err != nil {
		return nil, err
	}
	if same(p.Terms, terms) {
		return nil, nil
	}
	return []event.Payload{PlanRevised{PlanRevision: p.Revision + 1, Terms: terms, RevisedAt: now}}, nil
}

// same reports whether terms are written alike in events: how a number is held in memory does not matter.
func same(a, b Terms) bool {
	before, err := json.Marshal(a)
	if err != nil {
		return false
	}
	after, err := json.Marshal(b)
	return err == nil && bytes.Equal(before, after)
}
