package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokData
	tokVarBegin
	tokVarEnd
	tokBlockBegin
	tokBlockEnd
	tokName
	tokString
	tokInt
	tokFloat
	tokOp
)

type token struct {
	kind tokenKind
	text string // the decoded text of a string, the digits of a number
	line int
}

// describe names a token as the reference's messages do.
func (t token) describe() string {
	switch t.kind {
	case tokEOF:
		return "end of template"
	case tokData:
		return "template data / text"
	case tokVarBegin:
		return "begin of print statement"
	case tokVarEnd:
		return "end of print statement"
	case tokBlockBegin:
		return "begin of statement block"
	case tokBlockEnd:
		return "end of statement block"
	}
	return t.text
}

// lexer cuts a template into tokens with trim_blocks and lstrip_blocks on, as
// chat templates expect: the newline after a block tag is dropped, and so is
// the white space before one that stands first on its line.
type lexer struct {
	src       string
	pos, line int
	lineStart bool // the last match ended a line: white space before a tag may go
	toks      []token
}

// newlines makes every line end a single \n, and drops the last one.
func newlines(s string) string {
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	return strings.TrimSuffix(s, "\n")
}

func lex(source string) ([]token, error) {
	l := &lexer{src: newlines(source), line: 1, lineStart: true}
	for l.pos < len(l.src) {
		if err := l.root(); err != nil {
			return nil, at(err, "", l.line)
		}
	}
	l.toks = append(l.toks, token{kind: tokEOF, line: l.line})
	return l.toks, nil
}

func (l *lexer) emit(k tokenKind, text string) {
	l.toks = append(l.toks, token{k, text, l.line})
}

// advance moves past n bytes, which it returns.
func (l *lexer) advance(n int) string {
	s := l.src[l.pos : l.pos+n]
	l.pos += n
	l.line += strings.Count(s, "\n")
	return s
}

// root reads text up to the next tag, and the tag.
func (l *lexer) root() error {
	rest := l.src[l.pos:]
	i, kind := findTag(rest)
	if i < 0 {
		l.emit(tokData, rest)
		l.advance(len(rest))
		return nil
	}
	sign := byte(0)
	if i+2 < len(rest) && (rest[i+2] == '-' || rest[i+2] == '+') {
		sign = rest[i+2]
	}
	if text := l.trimBefore(rest[:i], sign, kind != '{'); text != "" {
		l.emit(tokData, text)
	}
	l.advance(i + 2)
	if sign != 0 {
		l.advance(1)
	}
	switch kind {
	case '#':
		return l.comment()
	case '{':
		l.emit(tokVarBegin, "{{")
		return l.inside(true)
	}
	if n, ok := rawBegin(l.src[l.pos:]); ok {
		l.advance(n)
		l.lineStart = l.src[l.pos-1] == '\n'
		return l.raw()
	}
	l.emit(tokBlockBegin, "{%")
	return l.inside(false)
}

// findTag returns the place of the first {{, {% or {#, and its second byte.
func findTag(s string) (int, byte) {
	for i := 0; ; {
		j := strings.IndexByte(s[i:], '{')
		if j < 0 || i+j+1 >= len(s) {
			return -1, 0
		}
		i += j
		switch c := s[i+1]; c {
		case '{', '%', '#':
			return i, c
		}
		i++
	}
}

// trimBefore removes the white space that a tag takes away in front of it.
func (l *lexer) trimBefore(text string, sign byte, lstrip bool) string {
	if sign == '-' {
		return strings.TrimRightFunc(text, isSpace)
	}
	if sign == '+' || !lstrip {
		return text
	}
	start := strings.LastIndexByte(text, '\n') + 1
	if (start > 0 || l.lineStart) && strings.TrimLeftFunc(text[start:], isSpace) == "" {
		return text[:start]
	}
	return text
}

func (l *lexer) skipSpace() {
	rest := l.src[l.pos:]
	l.advance(len(rest) - len(strings.TrimLeftFunc(rest, isSpace)))
}

// closeTag moves past "-%}", "+%}" or "%}" with the white space it takes away,
// if the tag's end is here.
func (l *lexer) closeTag(end string, trim bool) bool {
	rest := l.src[l.pos:]
	switch {
	case strings.HasPrefix(rest, "-"+end):
		l.advance(1 + len(end))
		l.skipSpace()
	case trim && strings.HasPrefix(rest, "+"+end):
		l.advance(1 + len(end))
	case strings.HasPrefix(rest, end):
		l.advance(len(end))
		if trim && strings.HasPrefix(l.src[l.pos:], "\n") {
			l.advance(1)
		}
	default:
		return false
	}
	l.lineStart = l.src[l.pos-1] == '\n'
	return true
}

func (l *lexer) comment() error {
	i := strings.Index(l.src[l.pos:], "#}")
	if i < 0 {
		return errorf(KindSyntax, "missing end of comment tag")
	}
	if i > 0 && (l.src[l.pos+i-1] == '-' || l.src[l.pos+i-1] == '+') {
		i--
	}
	l.advance(i)
	l.closeTag("#}", true)
	return nil
}

// rawBegin reports the length of the rest of a {% raw %} tag.
func rawBegin(s string) (int, bool) {
	t := strings.TrimLeftFunc(s, isSpace)
	if !strings.HasPrefix(t, "raw") {
		return 0, false
	}
	t = strings.TrimLeftFunc(t[3:], isSpace)
	switch {
	case strings.HasPrefix(t, "-%}"):
		t = strings.TrimLeftFunc(t[3:], isSpace)
	case strings.HasPrefix(t, "%}"):
		t = t[2:]
	default:
		return 0, false
	}
	return len(s) - len(t), true
}

// raw reads text up to {% endraw %}.
func (l *lexer) raw() error {
	for from := 0; ; {
		rest := l.src[l.pos:]
		i := strings.Index(rest[from:], "{%")
		if i < 0 {
			return errorf(KindSyntax, "missing end of raw directive")
		}
		i += from
		from = i + 2
		tag, sign := rest[i+2:], byte(0)
		if tag != "" && (tag[0] == '-' || tag[0] == '+') {
			sign, tag = tag[0], tag[1:]
		}
		tag = strings.TrimLeftFunc(tag, isSpace)
		if !strings.HasPrefix(tag, "endraw") {
			continue
		}
		tag = strings.TrimLeftFunc(tag[6:], isSpace)
		if !strings.HasPrefix(tag, "%}") && !strings.HasPrefix(tag, "-%}") && !strings.HasPrefix(tag, "+%}") {
			continue
		}
		if text := l.trimBefore(rest[:i], sign, true); text != "" {
			l.emit(tokData, text)
		}
		l.advance(len(rest) - len(tag))
		l.closeTag("%}", true)
		return nil
	}
}

// isSpace is Python's str.isspace for one code point.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func isNameStart(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r)
}

func isNamePart(r rune) bool {
	return isNameStart(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r) || unicode.Is(unicode.Pc, r)
}

// operators, longest first.
var operators = []string{
	"//", "**", "==", "!=", ">=", "<=",
	"+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
}

// inside reads the tokens of a tag up to its end. Within brackets the end is
// not looked for, so that {{ {'a': {}} }} works.
func (l *lexer) inside(variable bool) error {
	end, kind := "%}", tokBlockEnd
	if variable {
		end, kind = "}}", tokVarEnd
	}
	var open []byte
	for l.pos < len(l.src) {
		if len(open) == 0 && l.closeTag(end, !variable) {
			l.emit(kind, end)
			return nil
		}
		r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
		var err error
		switch {
		case isSpace(r):
			l.skipSpace()
		case r >= '0' && r <= '9':
			l.number()
		case r == '\'' || r == '"':
			err = l.str(byte(r))
		case isNameStart(r):
			rest := l.src[l.pos:]
			n := len(rest) - len(strings.TrimLeftFunc(rest, isNamePart))
			l.emit(tokName, l.advance(n))
		default:
			open, err = l.operator(open)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *lexer) operator(open []byte) ([]byte, error) {
	rest := l.src[l.pos:]
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		switch op {
		case "(", "[", "{":
			open = append(open, map[string]byte{"(": ')', "[": ']', "{": '}'}[op])
		case ")", "]", "}":
			if len(open) == 0 {
				return nil, errorf(KindSyntax, "unexpected '%s'", op)
			}
			if want := open[len(open)-1]; want != op[0] {
				return nil, errorf(KindSyntax, "unexpected '%s', expected '%c'", op, want)
			}
			open = open[:len(open)-1]
		}
		l.emit(tokOp, l.advance(len(op)))
		return open, nil
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return nil, errorf(KindSyntax, "unexpected char %q", r)
}
