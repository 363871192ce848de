package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// A Principal is who asks.
type Principal struct {
	Name    string  // for the log and for fairness; "" when nobody needs a key
	Account Account // limits and counts; nil is neither
	// Manage lets in to what changes the server's models; see Managing.
	Manage bool
}

// An Authenticator decides who may ask. Its error should be an *apierr.Error.
type Authenticator interface {
	Authenticate(r *http.Request) (Principal, error)
}

// Open lets everybody in. It is for loopback addresses only.
type Open struct{}

// Authenticate returns a principal without a name: programs of the user's own.
func (Open) Authenticate(*http.Request) (Principal, error) { return Principal{Manage: true}, nil }

// A FixedKey lets in who knows the one key.
type FixedKey struct{ sum [sha256.Size]byte }

// NewFixedKey returns the check for a key. Only its hash is kept.
func NewFixedKey(key string) *FixedKey { return &FixedKey{sha256.Sum256([]byte(key))} }

// Managing is for handlers that download, change or delete models: among many
// users not everybody may.
func Managing(h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if v, ok := r.Context().Value(visitKey{}).(*visit); ok && !v.who.Manage {
			return apierr.New(apierr.Forbidden, "this key may not change the server's models; holdfast keys limits NAME --manage allows it")
		}
		return h(w, r)
	}
}

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
	return Principal{Name: fixedName, Manage: true}, nil
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
