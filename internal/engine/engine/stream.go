package engine

import (
	"context"
	"io"
	"sync"
	"time"
)

// A Stream is the answer to a request, as it grows. Its buffer holds the whole
// answer, so a slow reader holds nothing up. It has one reader.
type Stream struct {
	seq *sequence

	mu     sync.Mutex
	tokens []Token
	read   int
	done   int // prompt positions in the cache
	ahead  int // requests before it in the queue; -1 when it runs
	ended  bool
	res    Result

	ready chan struct{} // holds a value when there is news
}

// Status is where a stream stands.
type Status struct {
	PromptDone  int // positions of the prompt that are computed or were cached
	PromptTotal int
	Ended       bool // no more tokens will come
	Waiting     bool // it does not run yet, or not any more
	Ahead       int  // requests that will be admitted before it, while it waits
	// Wait is how long it will wait, at a guess from the last requests; 0 when it
	// runs, and while nothing is known.
	Wait time.Duration
}

// Ready returns a channel that delivers a value when there is news.
func (s *Stream) Ready() <-chan struct{} { return s.ready }

// Poll appends the tokens that arrived since the last call to dst.
func (s *Stream) Poll(dst []Token) ([]Token, Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dst = append(dst, s.tokens[s.read:]...)
	s.read = len(s.tokens)
	return dst, s.status()
}

// Status returns where the stream stands, without reading from it.
func (s *Stream) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status()
}

func (s *Stream) status() Status {
	st := Status{PromptDone: s.done, PromptTotal: len(s.seq.req.Prompt), Ended: s.ended, Waiting: s.ahead >= 0 && !s.ended}
	if st.Waiting {
		st.Ahead, st.Wait = s.ahead, s.seq.eng.wait(s.ahead)
	}
	return st
}

// Next returns the next token, waiting for it. At the end it returns io.EOF, or
// the error that ended the sequence.
func (s *Stream) Next(ctx context.Context) (Token, error) {
	for {
		s.mu.Lock()
		switch {
		case s.read < len(s.tokens):
			t := s.tokens[s.read]
			s.read++
			s.mu.Unlock()
			return t, nil
		case s.ended:
			err := s.res.Err
			s.mu.Unlock()
			if err == nil {
				err = io.EOF
			}
			return Token{}, err
		}
		s.mu.Unlock()
		select {
		case <-s.ready:
		case <-ctx.Done():
			return Token{}, ctx.Err()
		}
	}
}

// Wait waits for the end of the sequence and returns its result. The tokens can
// be read before and after.
func (s *Stream) Wait(ctx context.Context) (Result, error) {
	for {
		s.mu.Lock()
		if s.ended {
			defer s.mu.Unlock()
			return s.res, nil
		}
		s.mu.Unlock()
		select {
		case <-s.ready:
		case <-ctx.Done():
			return Result{}, ctx.Err()
		}
	}
}

// Result returns the result; it is complete once the stream has ended.
func (s *Stream) Result() Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.res
}

// Stop ends the sequence at the next step, as if it had sampled a stop token.
// Tokens that arrive until then can be ignored.
func (s *Stream) Stop() { s.seq.end(endStop) }

// Cancel ends the sequence at the next step.
func (s *Stream) Cancel() { s.seq.end(endCancel) }

func (s *Stream) notify() {
	select {
	case s.ready <- struct{}{}:
	default: // news is waiting already
	}
}

func (s *Stream) publish(t Token) {
	s.mu.Lock()
	s.tokens = append(s.tokens, t)
	s.mu.Unlock()
	s.notify()
}

func (s *Stream) progress(done int) {
	s.mu.Lock()
	s.done = done
	s.mu.Unlock()
	s.notify()
}

// queued notes the place in the queue. Nobody is woken for it.
func (s *Stream) queued(ahead int) {
	s.mu.Lock()
	s.ahead = ahead
	s.mu.Unlock()
}

func (s *Stream) finish(r Result) {
	s.mu.Lock()
	s.res, s.ended = r, true
	s.mu.Unlock()
	s.notify()
}
