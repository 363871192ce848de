package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Config says how a server behaves. Zero values get defaults.
type Config struct {
	Listen string // the address that it will listen on, for deciding who may ask
	Auth   Authenticator
	// AllowOrigins are web pages that may use the server from a browser, such as
	// "https://chat.example.com"; "*" is all. None by default.
	AllowOrigins []string
	// AllowHosts are more names of this machine.
	AllowHosts []string
	TLS        *tls.Config

	BodyLimit   int64 // bytes of a request; 0 is 32 MiB
	MaxInFlight int   // requests at once; 0 is 1024
	// HeaderTimeout bounds how long a client may take to send a request's header,
	// BodyTimeout its body, IdleTimeout how long a connection may be unused.
	HeaderTimeout, BodyTimeout, IdleTimeout time.Duration
	// WriteTimeout bounds how long a client may take to read an answer that is
	// written at once. Streams have their own; see package sse.
	WriteTimeout time.Duration

	Log *slog.Logger // nil for none
	// Done, if not nil, is told of every request when it is over. It should be
	// quick, and must not keep the report.
	Done func(*Report)
}

// A Server serves APIs.
type Server struct {
	cfg      Config
	router   *Router
	loopback bool
	inFlight atomic.Int64
	draining atomic.Bool
	http     *http.Server
	cancel   context.CancelFunc // ends all requests
}

// writeTimeout is the default of Config.WriteTimeout.
const writeTimeout = 30 * time.Second

// errKeyNeeded is returned by New for an address that others can reach.
var errKeyNeeded = errors.New("server: an address that other machines can reach needs a key (--api-key); without one only loopback addresses such as 127.0.0.1 are served")

// New returns a server. A listen address beyond loopback needs an Auth.
func New(cfg Config, apis ...API) (*Server, error) {
	s := &Server{loopback: IsLoopback(cfg.Listen)}
	if cfg.Auth == nil {
		if !s.loopback {
			return nil, errKeyNeeded
		}
		cfg.Auth = Open{}
	}
	if cfg.BodyLimit == 0 {
		cfg.BodyLimit = 32 << 20
	}
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 1024
	}
	def := func(p *time.Duration, d time.Duration) {
		if *p == 0 {
			*p = d
		}
	}
	def(&cfg.HeaderTimeout, 10*time.Second)
	def(&cfg.BodyTimeout, 2*time.Minute)
	def(&cfg.IdleTimeout, 2*time.Minute)
	def(&cfg.WriteTimeout, writeTimeout)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s.cfg = cfg
	s.router = NewRouter(apis...)
	var base context.Context
	base, s.cancel = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: cfg.HeaderTimeout, IdleTimeout: cfg.IdleTimeout,
		MaxHeaderBytes: 64 << 10, TLSConfig: cfg.TLS,
		ErrorLog:    slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return base },
	}
	return s, nil
}

// Serve answers requests until Shutdown. Afterwards it returns nil.
func (s *Server) Serve(l net.Listener) error {
	var err error
	if s.cfg.TLS != nil {
		err = s.http.ServeTLS(l, "", "")
	} else {
		err = s.http.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("server: %w", err)
}

// Draining reports that Shutdown has begun: health checks should say so.
func (s *Server) Draining() bool { return s.draining.Load() }

// InFlight returns how many requests are being answered.
func (s *Server) InFlight() int { return int(s.inFlight.Load()) }

// Shutdown takes no more connections and waits for the answers that are being
// made. When ctx ends it cancels those that are left, and waits for their
// handlers a moment longer.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	err := s.http.Shutdown(ctx)
	s.cancel()
	if err == nil {
		return nil
	}
	const moment = 5 * time.Second
	last, stop := context.WithTimeout(context.Background(), moment)
	defer stop()
	if lerr := s.http.Shutdown(last); lerr != nil {
		return errors.Join(lerr, s.http.Close())
	}
	return nil
}
