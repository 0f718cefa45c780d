package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// MaxCertificateSize bounds a certificate, in bytes. Features of every permitted number and size fit.
const MaxCertificateSize = 4 << 20

// ErrCertificateIncomplete says that a certificate to be signed lacks its issuer, license, activation or a time.
var ErrCertificateIncomplete = errors.New("the certificate is incomplete")

// Certificate is what the signed document of an activation says. Times are kept to the second, rounded down.
type Certificate struct {
	Issuer       string
	License      uuid.UUID
	Product      uuid.UUID
	ProductCode  string // the audience
	Plan         string // code
	PlanType     catalog.PlanType
	Features     catalog.Features
	Fingerprint  machine.Fingerprint
	Activation   uuid.UUID
	Binding      uuid.UUID
	NotBefore    time.Time
	IssuedAt     time.Time
	ExpiresAt    time.Time
	OfflineUntil time.Time      // how long the machine may go without contact; zero: not said
	Position     event.Position // of the event that the certificate follows from
	Revision     event.Revision // of the license's stream, at that event
}

// ID returns the certificate's JWT id: the activation and the position, such as "0190…@42".
func (c Certificate) ID() string { return fmt.Sprintf("%s@%d", c.Activation, c.Position) }

// Certify signs a certificate with a product's key and returns it as a compact JWS (RFC 7515) with the algorithm EdDSA
// (RFC 8037) or RS256 (RFC 7518). The same certificate and key always give the same bytes. It fails with
// ErrUnknownSigningKey and ErrCertificateIncomplete.
func (k *Keyring) Certify(ctx context.Context, keyID string, c Certificate) (string, error) {
	if c.Issuer == "" || c.License == uuid.Nil || c.Activation == uuid.Nil || c.IssuedAt.IsZero() || c.NotBefore.IsZero() ||
		c.ExpiresAt.IsZero() {
		return "", ErrCertificateIncomplete
	}
	s, err := k.signer(ctx, keyID)
	if err != nil {
		return "", fmt.Errorf("certify: %w", err)
	}
	token := jwt.NewWithClaims(s.method, newClaims(c))
	token.Header["kid"] = keyID
	signed, err := token.SignedString(s.private)
	if err != nil {
		return "", fmt.Errorf("certify: %w", err)
	}
	return signed, nil
}

// claims is a certificate's JWT claims set (RFC 7519). The order of the fields is the order of the bytes that are signed.
type claims struct {
	Issuer       string              `json:"iss"`
	Subject      uuid.UUID           `json:"sub"` // the license
	Audience     string              `json:"aud"` // the product's code
	ID           string              `json:"jti"`
	IssuedAt     int64               `json:"iat"`
	NotBefore    int64               `json:"nbf"`
	ExpiresAt    int64               `json:"exp"`
	License      uuid.UUID           `json:"license_id"`
	ProductID    uuid.UUID           `json:"product_id"`
	Product      string              `json:"product"`
	Plan         string              `json:"plan"`
	PlanType     catalog.PlanType    `json:"plan_type"`
	Features     catalog.Features    `json:"features,omitempty"`
	Fingerprint  machine.Fingerprint `json:"fingerprint"`
	Activation   uuid.UUID           `json:"activation_id"`
	Binding      uuid.UUID           `json:"binding_id"`
	OfflineUntil int64               `json:"offline_until,omitempty"`
	Position     event.Position      `json:"ledger_position"`
	Revision     event.Revision      `json:"license_revision"`
}

func newClaims(c Certificate) claims {
	claimed := claims{
		Issuer: c.Issuer, Subject: c.License, Audience: c.ProductCode, ID: c.ID(),
		IssuedAt: c.IssuedAt.Unix(), NotBefore: c.NotBefore.Unix(), ExpiresAt: c.ExpiresAt.Unix(),
		License: c.License, ProductID: c.Product, Product: c.ProductCode, Plan: c.Plan, PlanType: c.PlanType,
		Features: c.Features, Fingerprint: c.Fingerprint, Activation: c.Activation, Binding: c.Binding,
		Position: c.Position, Revision: c.Revision,
	}
	if !c.OfflineUntil.IsZero() {
		claimed.OfflineUntil = c.OfflineUntil.Unix()
	}
	return claimed
}

func (c claims) certificate() Certificate {
	certificate := Certificate{
		Issuer: c.Issuer, License: c.License, Product: c.ProductID, ProductCode: c.Product, Plan: c.Plan, PlanType: c.PlanType,
		Features: c.Features, Fingerprint: c.Fingerprint, Activation: c.Activation, Binding: c.Binding,
		IssuedAt: unix(c.IssuedAt), NotBefore: unix(c.NotBefore), ExpiresAt: unix(c.ExpiresAt),
		Position: c.Position, Revision: c.Revision,
	}
	if c.OfflineUntil != 0 {
		certificate.OfflineUntil = unix(c.OfflineUntil)
	}
	return certificate
}

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// The methods of jwt.Claims are what the library asks of any claims; Verify does the checks itself.

// GetExpirationTime implements [jwt.Claims].
func (c claims) GetExpirationTime() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(unix(c.ExpiresAt)), nil
}

// GetIssuedAt implements [jwt.Claims].
func (c claims) GetIssuedAt() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(unix(c.IssuedAt)), nil
}

// GetNotBefore implements [jwt.Claims].
func (c claims) GetNotBefore() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(unix(c.NotBefore)), nil
}

// GetIssuer implements [jwt.Claims].
func (c claims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject implements [jwt.Claims].
func (c claims) GetSubject() (string, error) { return c.Subject.String(), nil }

// GetAudience implements [jwt.Claims].
func (c claims) GetAudience() (jwt.ClaimStrings, error) { return jwt.ClaimStrings{c.Audience}, nil }
