package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// SetHeaders sets the headers that go with an error in every API.
func SetHeaders(h http.Header, e *apierr.Error) {
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.Kind == apierr.Overloaded {
		h.Set(QueueHeader, strconv.Itoa(e.Queue))
	}
	if e.Kind == apierr.NotImplemented || e.Kind == apierr.ModelFailed {
		h.Set("X-Should-Retry", "false") // OpenAI's SDKs try 5xx again otherwise
	}
	if e.Kind == apierr.Unauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
}

// Headers of answers.
const (
	// QueueHeader tells how many requests were waiting for the model when this
	// one came.
	QueueHeader = "X-Queue-Position"
	// ContextHeader tells how many tokens a request may have.
	ContextHeader = "X-Context-Length"
	// RequestIDHeader carries the request's id, ours or the client's.
	RequestIDHeader = "X-Request-Id"
)

// Announce sets the headers that say where a request stands. It is called
// when the request is with the model, and before the answer begins.
func Announce(h http.Header, l *library.Lease) {
	others := max(0, l.Stats().Queued-1) // without the request itself
	h.Set(QueueHeader, strconv.Itoa(others))
	h.Set(ContextHeader, strconv.Itoa(l.Context()))
}

// WriteJSON answers with a value.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	b, err := Marshal(v)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return WriteRaw(w, status, append(b, '\n'))
}

// Marshal is json.Marshal without the escapes that only HTML needs: code is full
// of angle brackets, and six bytes for each help nobody.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// WriteRaw answers with JSON that is made already.
func WriteRaw(w http.ResponseWriter, status int, b []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, err := w.Write(b)
	return err
}
