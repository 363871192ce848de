package decode

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// Check makes sure that data is one JSON value in valid UTF-8, not nested too
// deeply, and without a key that comes twice in one object. encoding/json takes
// the last of two; other parsers in front of us may have looked at the first.
func Check(data []byte) error {
	if !utf8.Valid(data) {
		return apierr.New(apierr.InvalidJSON, "the request's body is not valid UTF-8")
	}
	if !json.Valid(data) { // also bounds the nesting, at 10,000
		return apierr.New(apierr.InvalidJSON, "the request's body is not valid JSON: %v", syntax(data))
	}
	s := scanner{data: data}
	return s.value(0)
}

// syntax returns what is wrong with invalid JSON, and where.
func syntax(data []byte) error {
	var v json.RawMessage
	err := json.Unmarshal(data, &v)
	var se *json.SyntaxError
	if ok := asSyntax(err, &se); ok {
		return apierr.New(apierr.InvalidJSON, "%v at byte %d", se, se.Offset)
	}
	return err
}

func asSyntax(err error, se **json.SyntaxError) bool {
	e, ok := err.(*json.SyntaxError) //nolint:errorlint // Unmarshal returns it as it is
	*se = e
	return ok
}

// A scanner walks over JSON that is known to be valid.
type scanner struct {
	data []byte
	i    int
}

func (s *scanner) space() {
	for s.i < len(s.data) && (s.data[s.i] == ' ' || s.data[s.i] == '\t' || s.data[s.i] == '\n' || s.data[s.i] == '\r') {
		s.i++
	}
}

func (s *scanner) value(depth int) error {
	if depth > MaxDepth {
		return apierr.New(apierr.InvalidJSON, "the request's body is nested deeper than %d levels", MaxDepth)
	}
	s.space()
	switch s.data[s.i] {
	case '{':
		return s.object(depth)
	case '[':
		return s.array(depth)
	case '"':
		s.str()
	default: // a number, true, false, null
		for s.i < len(s.data) && !isEnd(s.data[s.i]) {
			s.i++
		}
	}
	return nil
}

func isEnd(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

// str skips a string and returns it with its quotes and escapes.
func (s *scanner) str() []byte {
	start := s.i
	for s.i++; s.data[s.i] != '"'; s.i++ {
		if s.data[s.i] == '\\' {
			s.i++
		}
	}
	s.i++
	return s.data[start:s.i]
}

func (s *scanner) array(depth int) error {
	for s.i++; ; s.i++ {
		s.space()
		if s.data[s.i] == ']' {
			break // an empty array
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.space()
		if s.data[s.i] == ']' {
			break
		}
	}
	s.i++
	return nil
}

func (s *scanner) object(depth int) error {
	var keys map[string]bool
	for s.i++; ; s.i++ {
		s.space()
		if s.data[s.i] == '}' {
			break // an empty object
		}
		var key string
		if err := json.Unmarshal(s.str(), &key); err != nil {
			return apierr.New(apierr.InvalidJSON, "the request's body is not valid JSON: %v", err)
		}
		if keys[key] {
			return apierr.At(apierr.InvalidJSON, key, "the key '%.100s' comes twice in one object", key)
		}
		if keys == nil {
			keys = map[string]bool{}
		}
		keys[key] = true
		s.space()
		s.i++ // the colon
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.space()
		if s.data[s.i] == '}' {
			break
		}
	}
	s.i++
	return nil
}
