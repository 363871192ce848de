package holdfast

import "github.com/holdfast-llm/holdfast/internal/text/tokenizer"

// Tokenize returns the tokens of a text. With special, special tokens are
// recognised in it, such as the ones that a template is made of. The token that
// begins a text is not added; see BOS.
func (m *Model) Tokenize(text string, special bool) []int32 {
	return m.tok.Encode(nil, tokenizer.Span{Text: text, Template: special})
}

// Detokenize returns the text of tokens, special ones included. Bytes that are
// no UTF-8 become U+FFFD.
func (m *Model) Detokenize(ids []int32) string { return m.tok.Decode(ids, true) }

// Piece returns the text of one token; it may be part of a character.
func (m *Model) Piece(id int32) string { return string(m.tok.Bytes(id)) }

// BOS returns the token that begins a text, and whether the model wants it
// before every text.
func (m *Model) BOS() (id int32, wanted bool) {
	id, ok := m.tok.BOS()
	return id, ok && m.tok.AddBOS()
}

// IsEnd reports whether a token ends an answer.
func (m *Model) IsEnd(id int32) bool { return m.tok.IsEOG(id) }
