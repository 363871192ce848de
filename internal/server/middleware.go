package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// ServeHTTP takes a request through all that stands before a handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w, timeout: s.cfg.WriteTimeout}
	id := requestID(r)
	rec.Header().Set(RequestIDHeader, id)
	rec.Header().Set("X-Content-Type-Options", "nosniff")
	start := time.Now()
	ctl := http.NewResponseController(w)
	_ = ctl.SetWriteDeadline(time.Time{}) // that of the connection's last request
	// What is left in the connection's buffer is written after this function.
	defer func() { _ = ctl.SetWriteDeadline(time.Now().Add(s.cfg.WriteTimeout)) }()
	c, missing := s.router.find(r)
	var v *visit
	var problem error
	defer func() {
		if p := recover(); p != nil {
			problem = s.panicked(rec, r, c.api, id, p)
		}
		s.report(r, rec, v, start, problem)
	}()
	fail := func(e *apierr.Error) {
		problem = e
		writeError(c.api, rec, r, e)
	}
	if e := s.checkHost(r); e != nil {
		fail(e)
		return
	}
	origin, e := s.checkOrigin(r)
	if e != nil {
		fail(e)
		return
	}
	if allow(rec, r, origin) {
		return
	}
	if !c.open {
		p, err := s.cfg.Auth.Authenticate(r)
		if err != nil {
			fail(apierr.From(err))
			return
		}
		var ctx context.Context
		ctx, v = visiting(r.Context(), p)
		if p.Account != nil {
			rec.before = tellRates(c.api, p.Account)
		}
		defer v.leave()
		r = r.WithContext(ctx)
	}
	if missing != nil {
		fail(missing)
		return
	}
	problem = s.admit(rec, r, c)
}

// admit runs a handler if there is room for one more.
func (s *Server) admit(w *recorder, r *http.Request, c choice) error {
	if !c.open {
		n := s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		if n > int64(s.cfg.MaxInFlight) {
			e := apierr.New(apierr.Overloaded, "the server has %d requests in flight, as many as it takes; try again later", s.cfg.MaxInFlight)
			e.RetryAfter, e.Queue = 5*time.Second, s.cfg.MaxInFlight
			writeError(c.api, w, r, e)
			return e
		}
	}
	if r.ContentLength != 0 {
		r.Body = http.MaxBytesReader(w, timedBody(w, r.Body, s.cfg.BodyTimeout), s.cfg.BodyLimit)
	}
	return s.router.serve(w, r, c)
}

// A body has a deadline until it has been read. http.Server.ReadTimeout would
// go on ticking afterwards, and cancel answers that take longer.
type body struct {
	io.ReadCloser
	ctl *http.ResponseController
}

func timedBody(w http.ResponseWriter, b io.ReadCloser, d time.Duration) io.ReadCloser {
	out := &body{b, http.NewResponseController(w)}
	_ = out.ctl.SetReadDeadline(time.Now().Add(d)) // a test's writer has none
	return out
}

// Read takes the deadline away at the end.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.ctl.SetReadDeadline(time.Time{})
	}
	return n, err
}

// panicked turns a mistake of ours into an error for the client, and a log line
// with its place.
func (s *Server) panicked(w *recorder, r *http.Request, api API, id string, v any) error {
	s.cfg.Log.Error("panic in a handler", "id", id, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
	e := apierr.New(apierr.Internal, "something went wrong in the server; its log says more (request %s)", id)
	if w.status == 0 {
		writeError(api, w, r, e)
		return e
	}
	// An answer has begun: only breaking the connection tells the client.
	// The log line is written by the caller, the abort is the connection's.
	w.abort = true
	return e
}

// goodID limits which ids of clients are passed on.
var goodID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

func requestID(r *http.Request) string {
	if id := r.Header.Get(RequestIDHeader); goodID.MatchString(id) {
		return id
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return "req_" + hex.EncodeToString(b[:])
}

// A recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	timeout time.Duration
	before  func(http.Header) // sets headers as late as can be; may be nil

	status int
	bytes  int64
	abort  bool
}

// WriteHeader remembers the status.
func (w *recorder) WriteHeader(status int) {
	w.begin(status)
	if w.Header().Get("Content-Length") != "" {
		// An answer that is all there: a client that does not read it would hold
		// this goroutine for ever. Streams have deadlines of their own.
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.timeout))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) begin(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	if w.before != nil {
		w.before(w.Header())
	}
}

// Write counts bytes.
func (w *recorder) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
