package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// Key signs entries.
type Key struct {
	// ID names the key in what it signed: the beginning of the SHA-256 of its public half.
	ID      string
	private ed25519.PrivateKey
}

// String hides the key.
func (k *Key) String() string { return "key " + k.ID }

func (k *Key) sign(text []byte) []byte {
	return ed25519.Sign(k.private, append([]byte(signedAs), text...))
}

// Public is a key that entries are checked with.
type Public struct {
	ID  string
	key ed25519.PublicKey
}

func (p Public) verifies(e *Entry) bool {
	return ed25519.Verify(p.key, append([]byte(signedAs), e.signed...), e.Sig)
}

func keyID(p ed25519.PublicKey) string {
	sum := sha256.Sum256(p)
	return hex.EncodeToString(sum[:8])
}

const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// NewKey makes a key: PEM files of its private half (PKCS #8) and its public half (PKIX).
func NewKey() (id string, private, public []byte, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", nil, nil, err
	}
	p, perr := x509.MarshalPKCS8PrivateKey(priv)
	q, qerr := x509.MarshalPKIXPublicKey(pub)
	return keyID(pub), pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: p}),
		pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: q}), errors.Join(perr, qerr)
}

// ReadKey reads a private key from a PEM file. No error shows anything of what is in it.
func ReadKey(name string) (*Key, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != privateBlock {
		return nil, fmt.Errorf("%s has no PEM block %q; `penstock audit keygen` makes a key", name, privateBlock)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s is no private key in PKCS #8", name)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is no Ed25519 key", name)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s is no Ed25519 key", name)
	}
	return &Key{ID: keyID(public), private: key}, nil
}

// ReadPublic reads the public keys of a PEM file, of which it may have several.
func ReadPublic(name string) (all []Public, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == privateBlock {
			return nil, fmt.Errorf("%s is a private key; to verify, give the public one", name)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(ed25519.PublicKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("%s: block %d is no public Ed25519 key", name, len(all)+1)
		}
		all = append(all, Public{keyID(key), key})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no PEM block %q", name, publicBlock)
	}
	return all, nil
}
