package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode returns the text of ids. Without special, special tokens are left out.
// Bytes that make no character become U+FFFD, one for each maximal broken part.
// Ids outside the vocabulary stand for nothing.
//
// In SentencePiece vocabularies the space that encoding puts in front is dropped,
// and each byte of a run of byte tokens that is not valid as a whole becomes one
// U+FFFD, as the publisher's decoder has it.
func (t *Tokenizer) Decode(ids []int32, special bool) string {
	if t.spm {
		return t.decodeSPM(ids, special)
	}
	var out []byte
	for _, id := range ids {
		out = append(out, t.visible(id, special)...)
	}
	if utf8.Valid(out) {
		return string(out)
	}
	valid, _ := appendValid(make([]byte, 0, len(out)+8), out, false)
	return string(valid)
}

// visible returns the bytes of a token, or nothing if it is to be left out.
func (t *Tokenizer) visible(id int32, special bool) string {
	if !t.known(id) || !special && t.hidden[id] {
		return ""
	}
	return t.texts[id]
}

func (t *Tokenizer) decodeSPM(ids []int32, special bool) string {
	var out, run []byte
	flush := func() {
		if utf8.Valid(run) {
			out = append(out, run...)
		} else {
			out = append(out, strings.Repeat(replacement, len(run))...)
		}
		run = run[:0]
	}
	for _, id := range ids {
		text := t.visible(id, special)
		if t.Kind(id) == Byte && len(text) == 1 {
			run = append(run, text...)
			continue
		}
		if text != "" {
			flush()
			out = append(out, text...)
		}
	}
	flush()
	s := Valid(string(out))
	if t.prefix {
		s = strings.TrimPrefix(s, " ")
	}
	return s
}

// A Stream decodes ids one by one. It holds back at most three bytes, those that
// later tokens may complete to a character.
type Stream struct {
	t       *Tokenizer
	special bool
	begun   bool    // something was put out, so that no leading space is dropped
	open    [3]byte // the beginning of a character
	n       int     // bytes in open
}

// NewStream returns a stream that has seen nothing. special is as for
// [Tokenizer.Decode]. What a stream returns, put together, is what Decode returns
// for the same ids; only a broken run of SentencePiece byte tokens is replaced
// part by part, as it could not be put out before its end otherwise.
func (t *Tokenizer) NewStream(special bool) *Stream {
	return &Stream{t: t, special: special, begun: !t.prefix}
}

// Push adds a token and returns the text that is certain now, often that of the
// token.
func (s *Stream) Push(id int32) string {
	text := s.t.visible(id, s.special)
	if text == "" {
		return ""
	}
	if s.n == 0 && utf8.ValidString(text) {
		return s.begin(text) // the common case: nothing is copied
	}
	in := append(append(make([]byte, 0, 16), s.open[:s.n]...), text...)
	out, rest := appendValid(nil, in, true)
	s.n = copy(s.open[:], in[len(in)-rest:])
	return s.begin(string(out))
}

// Flush returns what is held back, as it will not be completed, and makes the
// stream ready for another text.
func (s *Stream) Flush() string {
	out, _ := appendValid(nil, s.open[:s.n], false)
	s.n, s.begun = 0, !s.t.prefix
	return string(out)
}

// begin drops the space in front of the first text of a SentencePiece stream.
func (s *Stream) begin(text string) string {
	if s.begun || text == "" {
		return text
	}
	s.begun = true
	return strings.TrimPrefix(text, " ")
}
