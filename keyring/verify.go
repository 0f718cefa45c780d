package keyring

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

var (
	// ErrCertificateExpired says that a genuine certificate's time has run out.
	ErrCertificateExpired = errors.New("the certificate has expired")
	// ErrCertificateNotYetValid says that a genuine certificate's time has not begun.
	ErrCertificateNotYetValid = errors.New("the certificate is not yet valid")
	// ErrCertificateUnknownKey says that the key which a certificate names is not in the key set.
	ErrCertificateUnknownKey = errors.New("the certificate's key is not in the key set")
	// ErrCertificateInvalid says that a certificate is malformed, forged or altered.
	ErrCertificateInvalid = errors.New("the certificate is not valid")
)

// Verify checks a certificate offline against a JSON Web Key Set, and that now lies in its time: from not-before on, and
// before its expiry. Only EdDSA and RS256 are accepted, and only with a key made for them (RFC 8725 section 3.1). It fails with
// ErrCertificateExpired or ErrCertificateNotYetValid, both with the certificate, which is genuine then; and with
// ErrCertificateUnknownKey, ErrCertificateInvalid or ErrJWKSInvalid.
func Verify(token string, keySet []byte, now time.Time) (Certificate, error) {
	set, err := parseJWKS(keySet)
	if err != nil {
		return Certificate{}, err
	}
	if len(token) > MaxCertificateSize {
		return Certificate{}, fmt.Errorf("%w: it is too large", ErrCertificateInvalid)
	}
	var claimed claims
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg(), jwt.SigningMethodRS256.Alg()}),
		jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation(), // below, with errors and a clock of ours
	)
	if _, err := parser.ParseWithClaims(token, &claimed, set.keyFor); err != nil {
		return Certificate{}, explain(err)
	}
	certificate := claimed.certificate()
	switch {
	case claimed.Subject != claimed.License || claimed.Audience != claimed.Product || claimed.ID != certificate.ID() ||
		claimed.License == uuid.Nil || claimed.Activation == uuid.Nil || claimed.ExpiresAt == 0:
		return Certificate{}, fmt.Errorf("%w: its claims do not fit together", ErrCertificateInvalid)
	case now.Before(certificate.NotBefore):
		return certificate, ErrCertificateNotYetValid
	case !now.Before(certificate.ExpiresAt):
		return certificate, ErrCertificateExpired
	}
	return certificate, nil
}

// keyFor finds the key that a token names. A header that asks for extensions is refused, as RFC 7515 section 4.1.11 demands.
func (set jwks) keyFor(token *jwt.Token) (any, error) {
	keyID, ok := token.Header["kid"].(string)
	if _, extended := token.Header["crit"]; extended || !ok {
		return nil, ErrCertificateInvalid
	}
	key, found := verificationKey(set, keyID, token.Method.Alg())
	if !found {
		return nil, ErrCertificateUnknownKey
	}
	if key == nil {
		return nil, ErrCertificateInvalid
	}
	return key, nil
}

// explain turns the parser's errors, which may quote the token, into ours.
func explain(err error) error {
	switch {
	case errors.Is(err, ErrCertificateUnknownKey):
		return ErrCertificateUnknownKey
	case errors.Is(err, jwt.ErrTokenMalformed):
		return fmt.Errorf("%w: it is malformed", ErrCertificateInvalid)
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return fmt.Errorf("%w: the signature does not fit", ErrCertificateInvalid)
	default:
		return fmt.Errorf("%w: the key does not fit", ErrCertificateInvalid)
	}
}
