package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// secretSize is the length of every symmetric key of the ring, in bytes.
const secretSize = 32

// secret is a symmetric key. It is always held by pointer, so that printing what holds it shows an address.
type secret [secretSize]byte

// sealVersion is the first byte of everything sealed; it names the format version ‖ nonce ‖ AES-256-GCM ciphertext and tag.
const sealVersion = 1

// The sizes of what surrounds a plaintext once it is sealed, in bytes.
const (
	nonceSize = 12
	tagSize   = 16
	overhead  = 1 + nonceSize + tagSize
)

func newSecret(random io.Reader) (*secret, error) {
	var s secret
	if _, err := io.ReadFull(random, s[:]); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return &s, nil
}

// derive returns the key for one use of s (HKDF-SHA-256, RFC 5869).
func (s *secret) derive(use string) (*secret, error) {
	key, err := hkdf.Key(sha256.New, s[:], nil, "licenseledger keyring v1 "+use, secretSize)
	if err != nil {
		return nil, fmt.Errorf("derive the %s key: %w", use, err)
	}
	return (*secret)(key), nil
}

func (s *secret) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(s[:])
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	return aead, nil
}

// mac returns the HMAC-SHA-256 of the parts, framed so that no two lists of parts are alike.
func (s *secret) mac(parts ...string) []byte {
	h := hmac.New(sha256.New, s[:])
	h.Write(lengthPrefixed(parts...))
	return h.Sum(nil)
}

// seal encrypts plaintext; name says what it is and must be given again to open it.
func seal(aead cipher.AEAD, random io.Reader, plaintext, name []byte) ([]byte, error) {
	sealed := make([]byte, 1+nonceSize, overhead+len(plaintext))
	sealed[0] = sealVersion
	nonce := sealed[1:]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return aead.Seal(sealed, nonce, plaintext, additional(name)), nil
}

// open is the inverse of [seal]. It fails with ErrTampered unless every byte, and the name, are those of the sealing.
func open(aead cipher.AEAD, sealed, name []byte) ([]byte, error) {
	if len(sealed) < overhead || sealed[0] != sealVersion {
		return nil, ErrTampered
	}
	plaintext, err := aead.Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], additional(name))
	if err != nil {
		return nil, ErrTampered
	}
	return plaintext, nil
}

func additional(name []byte) []byte { return append([]byte{sealVersion}, name...) }

// lengthPrefixed joins the parts with their lengths before them.
func lengthPrefixed(parts ...string) []byte {
	size := 0
	for _, p := range parts {
		size += 8 + len(p)
	}
	joined := make([]byte, 0, size)
	for _, p := range parts {
		joined = binary.BigEndian.AppendUint64(joined, uint64(len(p)))
		joined = append(joined, p...)
	}
	return joined
}

// openSecret opens a sealed secret.
func openSecret(aead cipher.AEAD, sealed, name []byte) (*secret, error) {
	plaintext, err := open(aead, sealed, name)
	if err != nil {
		return nil, err
	}
	if len(plaintext) != secretSize {
		return nil, ErrTampered
	}
	return (*secret)(plaintext), nil
}
