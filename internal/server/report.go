package server

import (
	"net/http"
	"time"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A Report is what is known of a request when it is over.
type Report struct {
	ID     string
	Method string
	Path   string
	Route  string // the pattern of the address; "" for one that is not known
	Status int
	Code   string // of the error, see package apierr; "" without one
	Key    string // name of the key that was used, or ""
	Model  string // that was asked, or ""
	Usage  chat.Usage
	Bytes  int64
	Start  time.Time
	Took   time.Duration
	Parent string // the request's traceparent header, unchecked
}

// report writes the access log and tells Config.Done.
func (s *Server) report(r *http.Request, w *recorder, v *visit, start time.Time, problem error) {
	rep := Report{
		ID: w.Header().Get(RequestIDHeader), Method: r.Method, Path: r.URL.Path, Route: r.Pattern, Status: w.status, Bytes: w.bytes,
		Start: start, Took: time.Since(start), Parent: r.Header.Get("Traceparent"),
	}
	if v != nil {
		rep.Key = v.who.Name
	}
	rep.Model, rep.Usage = v.told()
	if problem != nil {
		rep.Code = apierr.From(problem).Code()
	}
	s.log(&rep, r.RemoteAddr, problem)
	if s.cfg.Done != nil {
		s.cfg.Done(&rep)
	}
	if w.abort {
		panic(http.ErrAbortHandler)
	}
}

// log writes the access log.
func (s *Server) log(rep *Report, remote string, problem error) {
	attrs := []any{
		"id", rep.ID, "method", rep.Method, "path", rep.Path, "status", rep.Status,
		"bytes", rep.Bytes, "seconds", rep.Took.Seconds(), "remote", remote,
	}
	if rep.Key != "" {
		attrs = append(attrs, "key", rep.Key)
	}
	if rep.Model != "" {
		attrs = append(attrs, "model", rep.Model)
	}
	if u := rep.Usage; u.PromptTokens > 0 || u.CompletionTokens > 0 {
		attrs = append(attrs, "prompt_tokens", u.PromptTokens, "cached_tokens", u.CachedTokens, "completion_tokens", u.CompletionTokens)
	}
	if rep.Parent != "" && len(rep.Parent) <= maxParent {
		attrs = append(attrs, "traceparent", rep.Parent)
	}
	switch {
	case problem != nil && rep.Status >= http.StatusInternalServerError:
		s.cfg.Log.Error("request", append(attrs, "error", chain(problem))...)
	case problem != nil:
		s.cfg.Log.Info("request", append(attrs, "error", chain(problem))...)
	default:
		s.cfg.Log.Info("request", attrs...)
	}
}

// maxParent bounds a header that is logged.
const maxParent = 64

// chain is an error with its cause, which clients do not see.
func chain(err error) string {
	s := err.Error()
	if e, ok := err.(interface{ Unwrap() error }); ok && e.Unwrap() != nil {
		if cause := e.Unwrap().Error(); cause != s {
			return s + ": " + cause
		}
	}
	return s
}
