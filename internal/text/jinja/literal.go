package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// digits returns the length of a run of digits with single underscores between
// them; ok says which bytes are digits.
func digits(s string, ok func(byte) bool) int {
	i := 0
	for i < len(s) {
		if ok(s[i]) {
			i++
			continue
		}
		if s[i] == '_' && i > 0 && i+1 < len(s) && ok(s[i+1]) {
			i += 2
			continue
		}
		break
	}
	return i
}

func isDecimal(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDecimal(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// number reads an integer or a float literal.
func (l *lexer) number() {
	rest := l.src[l.pos:]
	if n := floatLen(rest); n > 0 && !l.afterDot() {
		l.emit(tokFloat, strings.ReplaceAll(l.advance(n), "_", ""))
		return
	}
	l.emit(tokInt, strings.ReplaceAll(l.advance(intLen(rest)), "_", ""))
}

// afterDot reports whether the number follows a dot, as in a.1.5, where it is
// an index and not a float.
func (l *lexer) afterDot() bool { return l.pos > 0 && l.src[l.pos-1] == '.' }

func floatLen(s string) int {
	n := digits(s, isDecimal)
	frac := 0
	if n < len(s) && s[n] == '.' {
		if f := digits(s[n+1:], isDecimal); f > 0 {
			frac = 1 + f
		}
	}
	e := n + frac
	if e < len(s) && s[e]|0x20 == 'e' {
		x := e + 1
		if x < len(s) && (s[x] == '+' || s[x] == '-') {
			x++
		}
		if d := digits(s[x:], isDecimal); d > 0 {
			return x + d
		}
	}
	if frac > 0 {
		return e
	}
	return 0
}

func intLen(s string) int {
	if s[0] != '0' {
		return digits(s, isDecimal)
	}
	if len(s) > 2 {
		var ok func(byte) bool
		switch s[1] | 0x20 {
		case 'b':
			ok = func(c byte) bool { return c == '0' || c == '1' }
		case 'o':
			ok = func(c byte) bool { return c >= '0' && c <= '7' }
		case 'x':
			ok = isHex
		}
		if ok != nil {
			skip := 2
			if s[2] == '_' {
				skip = 3
			}
			if n := digits(s[skip:], ok); n > 0 {
				return skip + n
			}
		}
	}
	return digits(s, func(c byte) bool { return c == '0' })
}

// str reads a string literal and undoes Python's escapes.
func (l *lexer) str(quote byte) error {
	rest := l.src[l.pos:]
	i := 1
	for i < len(rest) && rest[i] != quote {
		if rest[i] == '\\' {
			i++
		}
		i++
	}
	if i >= len(rest) {
		return errorf(KindSyntax, "unexpected char %q", rest[0])
	}
	text, err := unescape(rest[1:i])
	if err != nil {
		return err
	}
	l.emit(tokString, text)
	l.advance(i + 1)
	return nil
}

var simpleEscapes = map[byte]byte{
	'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
}

// unescape undoes the escapes of a Python string; unknown ones stay.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		c := s[i+1]
		i += 2
		if r, ok := simpleEscapes[c]; ok {
			b.WriteByte(r)
			continue
		}
		switch {
		case c == '\n':
		case c >= '0' && c <= '7':
			j := i
			for j < len(s) && j < i+2 && s[j] >= '0' && s[j] <= '7' {
				j++
			}
			n, _ := strconv.ParseUint(s[i-1:j], 8, 32)
			b.WriteRune(rune(n))
			i = j
		case c == 'x' || c == 'u' || c == 'U':
			n, err := hexEscape(&b, s[i:], c)
			if err != nil {
				return "", err
			}
			i += n
		case c == 'N':
			return "", errorf(KindSyntax, `\N{...} escapes are not supported in strings`)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// hexEscape decodes the digits of \x, \u or \U and returns their number. Two
// surrogates in a row make one character.
func hexEscape(b *strings.Builder, s string, c byte) (int, error) {
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	n, ok := parseHex(s, width)
	if !ok || n > utf8.MaxRune {
		return 0, errorf(KindSyntax, "invalid \\%c escape in a string: %d hexadecimal digits expected", c, width)
	}
	b.WriteRune(rune(n)) // a lone surrogate cannot be written in UTF-8: U+FFFD
	return width, nil
}

func parseHex(s string, width int) (uint64, bool) {
	if len(s) < width {
		return 0, false
	}
	for i := range width {
		if !isHex(s[i]) {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s[:width], 16, 64)
	return n, err == nil
}
