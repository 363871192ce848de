package tokenizer

// An encoder is the memory of one call of Encode.
type encoder struct {
	t    *Tokenizer
	text string // the plain text since the last special token, if it is in one piece
	buf  []byte // the same if it is in several
	ends []int
	word []int32
	long longWord
}

// keepWords bounds the buffers that are kept for the next call.
const keepWords = 1 << 17

// Encode appends the ids of the spans to dst. It never adds a BOS token. Plain
// text of neighbouring spans is joined before it is split into words, so that
// the ids do not depend on where a template put its braces. Invalid UTF-8 is
// read as U+FFFD, one for each maximal broken part.
func (t *Tokenizer) Encode(dst []int32, spans ...Span) []int32 {
	e, _ := t.encoders.Get().(*encoder)
	if e == nil {
		e = &encoder{t: t}
	}
	for _, s := range spans {
		m := t.user
		if s.Template {
			m = t.all
		}
		dst = e.add(dst, s.Text, m)
	}
	dst = e.flush(dst)
	e.release()
	return dst
}

// add appends the special tokens of a text, as m finds them, and the plain text
// before each; what follows the last one waits for more.
func (e *encoder) add(dst []int32, s string, m *matcher) []int32 {
	for {
		start, n, id := m.find(s)
		e.plain(s[:start])
		if id == noID {
			return dst
		}
		dst = append(e.flush(dst), id)
		s = s[start+n:]
	}
}

// plain adds to the text that waits.
func (e *encoder) plain(s string) {
	switch {
	case s == "":
	case e.text == "" && len(e.buf) == 0:
		e.text = s
	default:
		e.buf = append(append(e.buf, e.text...), s...)
		e.text = ""
	}
}

// flush encodes the text that waits.
func (e *encoder) flush(dst []int32) []int32 {
	s := e.text
	if len(e.buf) > 0 {
		s = string(e.buf)
	}
	e.text, e.buf = "", e.buf[:0]
	if s == "" {
		return dst
	}
	s = Valid(s)
	t := e.t
	if t.spm {
		s = t.spmText(s)
		e.ends = t.splitSPM(e.ends[:0], s)
	} else {
		if t.rule.nfc {
			s = toNFC(s)
		}
		e.ends = t.rule.split()(e.ends[:0], s)
	}
	from := 0
	for _, to := range e.ends {
		dst = e.fragment(dst, s[from:to])
		from = to
	}
	return dst
}

// fragment appends the ids of one word.
func (e *encoder) fragment(dst []int32, w string) []int32 {
	if len(w) > cacheWord {
		return append(dst, e.merge(w)...)
	}
	slot := e.t.cache.slot(w)
	if c := slot.Load(); c != nil && c.word == w {
		return append(dst, c.ids...)
	}
	ids := e.merge(w)
	e.t.cache.put(slot, w, ids)
	return append(dst, ids...)
}

// merge returns the ids of one word, valid until the next call.
func (e *encoder) merge(w string) []int32 {
	t := e.t
	e.word = e.word[:0]
	if t.spm {
		e.word = t.spmSymbols(e.word, w)
	} else {
		if t.rule.whole {
			if id := t.words.find(w); id != noID {
				e.word = append(e.word, id)
				return e.word
			}
		}
		for i := range len(w) {
			// A byte without a token is left out, and its neighbours may join.
			if id := t.byteIDs[w[i]]; id != noID {
				e.word = append(e.word, id)
			}
		}
	}
	if len(e.word) < 2 {
		return e.word
	}
	return t.pairs.mergeWord(e.word, &e.long)
}

// release gives the encoder back to its pool, without what one long text made it
// grow to.
func (e *encoder) release() {
	if cap(e.ends) > keepWords {
		e.ends = nil
	}
	if cap(e.word) > keepWords || cap(e.long.heap) > keepWords {
		e.word, e.long = nil, longWord{}
	}
	if cap(e.buf) > 16*keepWords {
		e.buf = nil
	}
	e.t.encoders.Put(e)
}
