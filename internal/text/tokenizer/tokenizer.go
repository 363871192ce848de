package tokenizer

import "sync"

// A Kind says what sort of token an id is; the values are those of
// tokenizer.ggml.token_type.
type Kind uint8

// The kinds of tokens. Ids outside the vocabulary have kind 0.
const (
	Normal      Kind = 1
	Unknown     Kind = 2 // stands for what the vocabulary cannot spell
	Control     Kind = 3 // steers the model: begin, end, roles, tools
	UserDefined Kind = 4 // added text that the publisher does not call special
	Unused      Kind = 5 // a filler
	Byte        Kind = 6 // <0xXX> of SentencePiece
)

// A Span is a piece of a prompt. Special tokens are recognised only in template
// text, and only inside one span: whatever a user types stays plain text.
type Span struct {
	Text     string
	Template bool
}

// A Tokenizer is one vocabulary with its rules.
type Tokenizer struct {
	model, pre string
	rule       *rule

	texts  []string // by id: the bytes that the token stands for
	kinds  []Kind   // by id
	hidden []bool   // by id: left out when text is decoded without special tokens

	words   *textIndex // normal tokens by their bytes
	pairs   *pairIndex
	byteIDs [256]int32 // the token of each byte, noID if there is none
	spm     bool
	prefix  bool // SentencePiece: text gets a leading space
	byWord  bool // SentencePiece: no token reaches over a word's beginning

	all  *matcher // for template text
	user *matcher // for user text

	bos, eos int32 // noID if there is none
	addBOS   bool
	addEOS   bool
	fim      [3]int32 // prefix, suffix, middle; noID if there is none
	eog      []int32  // sorted
	warnings []string

	cache    *cache
	encoders sync.Pool
}

// Size returns the number of ids.
func (t *Tokenizer) Size() int { return len(t.texts) }

// Model returns tokenizer.ggml.model: "gpt2" or "llama".
func (t *Tokenizer) Model() string { return t.model }

// Pre returns tokenizer.ggml.pre, the name of the pre-tokenizer; "" if the file
// has none.
func (t *Tokenizer) Pre() string { return t.pre }

// BOS returns the token that begins a text; ok is false if there is none.
func (t *Tokenizer) BOS() (id int32, ok bool) { return t.bos, t.bos != noID }

// EOS returns the token that ends a text; ok is false if there is none.
func (t *Tokenizer) EOS() (id int32, ok bool) { return t.eos, t.eos != noID }

// AddBOS reports whether the file asks for BOS before a raw text. The flag of
// DeepSeek files is not reliable, see the prompt formats; Encode never obeys it.
func (t *Tokenizer) AddBOS() bool { return t.addBOS }

// AddEOS reports whether the file asks for EOS after a raw text, as models for
// embeddings do. Encode never obeys it.
func (t *Tokenizer) AddEOS() bool { return t.addEOS }

// Warnings says what is doubtful about the vocabulary, in sentences for the user.
func (t *Tokenizer) Warnings() []string { return t.warnings }

// Kind returns the kind of a token, 0 for an id outside the vocabulary.
func (t *Tokenizer) Kind(id int32) Kind {
	if !t.known(id) {
		return 0
	}
	return t.kinds[id]
}

// Piece returns what a token stands for, as text: the bytes of [Tokenizer.Bytes],
// which may be a part of a character only.
func (t *Tokenizer) Piece(id int32) string {
	if !t.known(id) {
		return ""
	}
	return t.texts[id]
}

// Bytes returns the bytes that a token stands for; nil for an id outside the
// vocabulary. Special tokens stand for their own spelling. A SentencePiece token
// is returned with its leading space.
func (t *Tokenizer) Bytes(id int32) []byte {
	if !t.known(id) {
		return nil
	}
	return []byte(t.texts[id])
}

// Lookup returns the token that stands for exactly this text: a special one
// before a normal one.
func (t *Tokenizer) Lookup(text string) (id int32, ok bool) {
	if text == "" {
		return noID, false
	}
	if n, id := t.all.longest(text); id != noID && n == len(text) {
		return id, true
	}
	id = t.words.find(text)
	return id, id != noID
}

func (t *Tokenizer) known(id int32) bool { return id >= 0 && int(id) < len(t.texts) }
