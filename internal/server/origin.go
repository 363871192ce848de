package server

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// A web page that somebody looks at can send requests to servers on the same
// machine. Two doors must stay shut. DNS rebinding: the page's own name is made
// to point to 127.0.0.1, so that the browser takes us for the page's server; the
// Host header gives it away. And plain cross-site requests, whose Origin header
// (or Sec-Fetch-Site) does.

// checkHost refuses names that are not this machine's, on servers that only
// listen to this machine.
func (s *Server) checkHost(r *http.Request) *apierr.Error {
	if !s.loopback {
		return nil // needs a key, which no foreign page has
	}
	host := hostOnly(r.Host)
	if isLoopbackHost(host) || slices.ContainsFunc(s.cfg.AllowHosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return nil
	}
	return apierr.New(apierr.Forbidden, "the host %.100q is not this server's; use localhost or 127.0.0.1", r.Host)
}

func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

// checkOrigin refuses requests of web pages other than our own and those that
// were allowed. It returns the origin to answer to, "" if there is none.
func (s *Server) checkOrigin(r *http.Request) (string, *apierr.Error) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			return "", apierr.New(apierr.Forbidden, "requests of other web pages are not allowed; see --allow-origin")
		}
		return "", nil
	}
	if slices.Contains(s.cfg.AllowOrigins, "*") || slices.ContainsFunc(s.cfg.AllowOrigins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return origin, nil
	}
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return "", nil // our own page: no header is needed
	}
	return "", apierr.New(apierr.Forbidden, "the web page %.100q may not use this server; see --allow-origin", origin)
}

// allow writes the CORS headers for an origin that was let in, and answers
// preflight requests. It reports whether the request is answered.
func allow(w http.ResponseWriter, r *http.Request, origin string) bool {
	h := w.Header()
	h.Add("Vary", "Origin")
	if origin == "" {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", strings.Join([]string{RequestIDHeader, QueueHeader, ContextHeader, "Retry-After"}, ", "))
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
