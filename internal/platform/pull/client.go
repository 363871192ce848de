package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
)

// A Client downloads into one folder. Its fields are set before use.
type Client struct {
	Dir      string // folder of models
	Endpoint string // of the Hub; "" is https://huggingface.co
	Token    string // for Endpoint and no other host; may be empty
	Registry string // "" is https://registry.ollama.ai
	// HTTP sends requests; nil is a client with timeouts, and the proxy of the
	// environment.
	HTTP *http.Client
	// Rate bounds the speed in bytes per second; 0 does not.
	Rate int64
	// MaxBytes bounds the size of a model; 0 is 2 TiB.
	MaxBytes int64
	// Judge is shown a model before it is downloaded: what it says is passed on,
	// and its error refuses the model. nil judges nothing.
	Judge func(f *gguf.File) (verdict string, err error)
	// Stall is how long a connection may be silent; 0 is 30 seconds.
	Stall time.Duration
	// Retries is how often in a row a download goes on after an error without any
	// byte having come; 0 is 8, negative never.
	Retries int
	// Pause is the first pause before that, doubled each time; 0 is one second.
	Pause time.Duration
	// Free returns the bytes that are free in a folder; nil asks the system.
	Free func(dir string) (int64, error)

	headerStep int64 // bytes that a header is first looked for in; 0 is firstHeader
}

// A Progress is one step of a download.
type Progress struct {
	Status string // in words
	File   string // "" when it is about the whole model
	SHA256 string // if it is known
	Done   int64  // bytes of the file that are there
	Total  int64
}

// Bounds.
const (
	defaultMaxBytes = 2 << 40
	defaultStall    = 30 * time.Second
	longestAnswer   = 32 << 20 // bytes of a listing
	longestHop      = 10       // redirects
)

// The places that names mean.
const (
	DefaultEndpoint = "https://huggingface.co"
	DefaultRegistry = "https://registry.ollama.ai"
)

func (c *Client) endpoint() string { return or(c.Endpoint, DefaultEndpoint) }
func (c *Client) registry() string { return or(c.Registry, DefaultRegistry) }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (c *Client) maxBytes() int64 {
	if c.MaxBytes > 0 {
		return c.MaxBytes
	}
	return defaultMaxBytes
}

// client returns the HTTP client. It refuses to be led to an address that could
// not have been asked for, nor take the key to another place. Go's client drops
// it on the way to another host, but not to another port of the same.
func (c *Client) client() *http.Client {
	base := c.HTTP
	if base == nil {
		base = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 15 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second, IdleConnTimeout: 30 * time.Second,
		}}
	}
	out := *base
	out.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) >= longestHop {
			return fmt.Errorf("led from address to address %d times", len(via))
		}
		if err := allowed(r.URL); err != nil {
			return fmt.Errorf("led to %s, which %w", r.URL.Redacted(), err)
		}
		if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
			return fmt.Errorf("led from https to %s", r.URL.Redacted())
		}
		if r.URL.Host != via[0].URL.Host {
			r.Header.Del("Authorization")
		}
		return nil
	}
	return &out
}

// request makes a request; the key goes to the Hub's host only.
func (c *Client) request(ctx context.Context, address string) (*http.Request, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	if err := allowed(u); err != nil {
		return nil, fmt.Errorf("pull: the address %s %w", u.Redacted(), err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	r.Header.Set("User-Agent", "holdfast")
	if hub, err := url.Parse(c.endpoint()); err == nil && c.Token != "" && hub.Host == u.Host && hub.Scheme == u.Scheme {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r, nil
}

// A StatusError is an answer that is none.
type StatusError struct {
	URL    string
	Status int
	Hint   string
}

// Error names the address and says what can be done.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("pull: %s answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// statusError describes an answer with a bad status.
func statusError(r *http.Response) error {
	e := &StatusError{URL: r.Request.URL.Redacted(), Status: r.StatusCode}
	if u, err := url.Parse(e.URL); err == nil {
		u.RawQuery = "" // signed addresses are long, and secret
		e.URL = u.String()
	}
	switch r.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Hint = "the model does not exist there, or asks you to accept its terms first: do that on its page, make a token, and set HF_TOKEN"
	case http.StatusNotFound:
		e.Hint = "check the name"
	}
	return e
}

// get reads a JSON answer.
func (c *Client) get(ctx context.Context, address string, accept string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	req, err := c.request(ctx, address)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", accept)
	resp, err := c.client().Do(req)
	if err != nil {
		return fmt.Errorf("pull: %w", unreachable(err))
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if resp.StatusCode != http.StatusOK {
		return statusError(resp)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("pull: %w", err)
	case len(data) > longestAnswer:
		return fmt.Errorf("pull: %s answered with more than %d bytes", req.URL.Redacted(), longestAnswer)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("pull: %s answered with something that is not understood: %w", req.URL.Redacted(), err)
	}
	return nil
}

// unreachable says what may help where a host cannot be reached.
func unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w (is there a network? HTTPS_PROXY names a proxy, HF_ENDPOINT a mirror; a file from elsewhere can just be put into the folder of models)", err)
}
