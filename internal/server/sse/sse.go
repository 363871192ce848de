// Package sse writes streams of JSON values to clients: server-sent events, and
// lines of JSON (NDJSON).
//
// A [Writer] has one buffer that it uses again for every event. When nothing
// was written for a while it writes a heartbeat, in the words of the protocol,
// so that clients and proxies do not give up during a long prefill; an idle
// stream costs a timer, no goroutine. Every write has a deadline: a client that
// does not read is given up, and the error ends its request.
package sse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Options of a Writer.
type Options struct {
	// Heartbeat is how long a stream may be silent; 0 is DefaultHeartbeat,
	// negative never sends any.
	Heartbeat time.Duration
	// Beat appends a heartbeat to buf; nil is a comment for events and an empty
	// line for lines. Begun says whether an event was written before.
	Beat func(buf []byte, begun bool) []byte
	// Timeout is how long a client may take to read what was written; 0 is
	// DefaultTimeout.
	Timeout time.Duration
	// Lines writes NDJSON instead of events.
	Lines bool
	// ContentType replaces the usual one, if not empty.
	ContentType string
}

// Defaults of Options.
const (
	DefaultHeartbeat = 10 * time.Second
	DefaultTimeout   = 30 * time.Second
)

// A Writer writes one stream. Its methods are safe for concurrent use with its
// own heartbeats; there is one caller.
type Writer struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	o    Options
	enc  *json.Encoder
	json bytes.Buffer

	mu     sync.Mutex
	buf    []byte
	timer  *time.Timer
	begun  bool // an event was written
	opened bool // the header was written
	closed bool
	err    error
}

// New prepares a stream. Nothing is written before the first event or
// heartbeat, so that an error until then can still be a status of its own.
func New(w http.ResponseWriter, o Options) *Writer {
	if o.Heartbeat == 0 {
		o.Heartbeat = DefaultHeartbeat
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Beat == nil {
		o.Beat = comment
		if o.Lines {
			o.Beat = emptyLine
		}
	}
	s := &Writer{w: w, ctl: http.NewResponseController(w), o: o, buf: make([]byte, 0, 512)}
	s.enc = json.NewEncoder(&s.json)
	s.enc.SetEscapeHTML(false)
	s.mu.Lock() // the timer may ring before it is stored
	defer s.mu.Unlock()
	if o.Heartbeat > 0 {
		s.timer = time.AfterFunc(o.Heartbeat, s.beat)
	}
	return s
}

func comment(buf []byte, _ bool) []byte   { return append(buf, ": keep-alive\n\n"...) }
func emptyLine(buf []byte, _ bool) []byte { return append(buf, '\n') }

// Open writes the header now. It is done by the first event as well.
func (s *Writer) Open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.send()
}

// Header lets f set more headers. It reports false if they were sent already.
func (s *Writer) Header(f func(http.Header)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened {
		return false
	}
	f(s.w.Header())
	return true
}

// Event writes one value. name is the event's name, "" for none; lines have none.
// An error means that the client cannot be reached any more.
func (s *Writer) Event(name string, v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.json.Reset()
	if err := s.enc.Encode(v); err != nil {
		return fmt.Errorf("sse: %w", err)
	}
	if s.o.Lines {
		s.buf = append(s.buf, s.json.Bytes()...) // ends in a newline
	} else {
		s.frame(name, bytes.TrimSuffix(s.json.Bytes(), []byte("\n")))
	}
	s.begun = true
	return s.send()
}

// Text writes data that is no JSON, such as a final "[DONE]".
func (s *Writer) Text(data string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.Lines {
		s.buf = append(append(s.buf, data...), '\n')
	} else {
		s.frame("", []byte(data))
	}
	s.begun = true
	return s.send()
}

// AppendEvent appends an event to a buffer, for heartbeats that are events.
func AppendEvent(buf []byte, name string, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return append(buf, ": keep-alive\n\n"...)
	}
	s := Writer{buf: buf}
	s.frame(name, b)
	return s.buf
}

// frame appends one event. JSON has no line breaks in it, so one data line does.
func (s *Writer) frame(name string, data []byte) {
	if name != "" {
		s.buf = append(s.buf, "event: "...)
		s.buf = append(s.buf, name...)
		s.buf = append(s.buf, '\n')
	}
	s.buf = append(s.buf, "data: "...)
	s.buf = append(s.buf, data...)
	s.buf = append(s.buf, "\n\n"...)
}

// send writes the buffer and flushes; mu is held. After the first error
// everything fails with it.
func (s *Writer) send() error {
	if s.err != nil || s.closed {
		s.buf = s.buf[:0]
		return s.err
	}
	if s.timer != nil {
		s.timer.Reset(s.o.Heartbeat)
	}
	s.open()
	// Not every ResponseWriter has deadlines (tests), so a failure here is none.
	_ = s.ctl.SetWriteDeadline(time.Now().Add(s.o.Timeout))
	if _, s.err = s.w.Write(s.buf); s.err == nil {
		s.err = s.ctl.Flush()
	}
	s.buf = s.buf[:0]
	return s.err
}

func (s *Writer) open() {
	if s.opened {
		return
	}
	s.opened = true
	h := s.w.Header()
	switch {
	case s.o.ContentType != "":
		h.Set("Content-Type", s.o.ContentType)
	case s.o.Lines:
		h.Set("Content-Type", "application/x-ndjson")
	default:
		h.Set("Content-Type", "text/event-stream")
	}
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // proxies are to pass events on at once
	s.w.WriteHeader(http.StatusOK)
}

// beat writes a heartbeat; it runs on a timer's goroutine.
func (s *Writer) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.err != nil {
		return
	}
	s.buf = s.o.Beat(s.buf, s.begun)
	_ = s.send() // the next event gets the error
}

// Started reports whether anything was sent to the client: from then on an
// error can only be an event.
func (s *Writer) Started() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Close ends heartbeats, and must be called before the handler returns.
func (s *Writer) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.opened && s.err == nil {
		_ = s.ctl.SetWriteDeadline(time.Time{})
	}
}
