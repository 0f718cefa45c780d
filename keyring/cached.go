package keyring

import "fmt"

// SealCached encrypts what is kept in a cache outside, such as Redis: who can read the cache learns nothing of it, and who can
// write to it cannot make up anything. The name says what it is and must be given again to open it. All processes that share the
// ring can open it.
//
// Each name has a key of its own, derived from a secret of the ring, so that no key comes near the 2³² random nonces that are the
// most for AES-GCM (NIST SP 800-38D, section 8.3).
func (k *Keyring) SealCached(plaintext []byte, name ...string) ([]byte, error) {
	full := lengthPrefixed(name...)
	key, err := k.cacheKey(full)
	if err != nil {
		return nil, fmt.Errorf("seal for a cache: %w", err)
	}
	aead, err := key.aead()
	if err != nil {
		return nil, fmt.Errorf("seal for a cache: %w", err)
	}
	sealed, err := seal(aead, k.random, plaintext, full)
	if err != nil {
		return nil, fmt.Errorf("seal for a cache: %w", err)
	}
	return sealed, nil
}

// OpenCached decrypts what [Keyring.SealCached] made under the same name. It fails with ErrTampered for anything else.
func (k *Keyring) OpenCached(sealed []byte, name ...string) ([]byte, error) {
	full := lengthPrefixed(name...)
	key, err := k.cacheKey(full)
	if err != nil {
		return nil, fmt.Errorf("open what was cached: %w", err)
	}
	aead, err := key.aead()
	if err != nil {
		return nil, fmt.Errorf("open what was cached: %w", err)
	}
	plaintext, err := open(aead, sealed, full)
	if err != nil {
		return nil, fmt.Errorf("open what was cached: %w", err)
	}
	return plaintext, nil
}

// cacheKey derives from the secret for requests, which every ring has and which is never replaced.
func (k *Keyring) cacheKey(name []byte) (*secret, error) {
	return k.requests.derive("cache " + string(name))
}
