package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// A Principal is who asks.
type Principal struct {
	Name    string  // for the log and for fairness; "" when nobody needs a key
	Account Account // limits and counts; nil is neither
}

// An Authenticator decides who may ask. Its error should be an *apierr.Error.
type Authenticator interface {
	Authenticate(r *http.Request) (Principal, error)
}

// Open lets everybody in. It is for loopback addresses only.
type Open struct{}

// Authenticate returns a principal without a name.
func (Open) Authenticate(*http.Request) (Principal, error) { return Principal{}, nil }

// A FixedKey lets in who knows the one key.
type FixedKey struct{ sum [sha256.Size]byte }

// NewFixedKey returns the check for a key. Only its hash is kept.
func NewFixedKey(key string) *FixedKey { return &FixedKey{sha256.Sum256([]byte(key))} }

// fixedName is whoever has the one key; no key of a store can be called so.
const fixedName = "--api-key"

// Authenticate compares hashes, in constant time: neither the length nor the
// beginning of the key can be found out by measuring.
func (k *FixedKey) Authenticate(r *http.Request) (Principal, error) {
	given := Key(r)
	if given == "" {
		return Principal{}, errNoKey()
	}
	sum := sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(sum[:], k.sum[:]) != 1 {
		return Principal{}, errWrongKey()
	}
	return Principal{Name: fixedName}, nil
}

// Key returns the key that a request carries: a bearer token, or X-Api-Key.
func Key(r *http.Request) string {
	if k := r.Header.Get("X-Api-Key"); k != "" {
		return k
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}

// IsLoopback reports whether a listen address can be reached from this machine
// only.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
