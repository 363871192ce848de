package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// specialUpper are the characters whose upper case is longer than one.
var specialUpper = strings.NewReplacer("ß", "SS", "ﬀ", "FF", "ﬁ", "FI", "ﬂ", "FL", "ﬃ", "FFI", "ﬄ", "FFL", "ﬅ", "ST", "ﬆ", "ST", "ŉ", "ʼN", "ǰ", "J̌", "և", "ԵՒ")

func upperText(s string) string { return strings.ToUpper(specialUpper.Replace(s)) }

// lowerStr is str.lower: a capital sigma at a word's end becomes the final one.
func lowerStr(s Str) Str {
	if !strings.ContainsRune(s.s, 'Σ') && !strings.ContainsRune(s.s, 'İ') {
		return s.mapText(strings.ToLower)
	}
	return s.with(lowerText(s.s))
}

func lowerText(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch r {
		case 'İ':
			b.WriteString("i̇")
		case 'Σ':
			before, _ := utf8.DecodeLastRuneInString(s[:i])
			after, _ := utf8.DecodeRuneInString(s[i+len("Σ"):])
			if unicode.IsLetter(before) && !unicode.IsLetter(after) {
				b.WriteRune('ς')
				continue
			}
			b.WriteRune('σ')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// foldText is str.casefold for the characters that occur in practice.
func foldText(s string) string {
	s = strings.NewReplacer("ß", "ss", "ẞ", "ss", "ς", "σ", "ﬁ", "fi", "ﬂ", "fl", "ﬀ", "ff").Replace(s)
	return strings.ToLower(s)
}

func swapCase(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteRune(unicode.ToLower(r))
		case unicode.IsLower(r):
			b.WriteString(upperText(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// titleRune is the title case of a letter at the start of a word.
func titleRune(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == len(s) && unicode.ToTitle(r) != unicode.ToUpper(r) {
		return string(unicode.ToTitle(r))
	}
	if r == 'ŉ' {
		return "ʼN" // the first of the two has no case
	}
	if up := specialUpper.Replace(s); up != s {
		r, n := utf8.DecodeRuneInString(up)
		return string(unicode.ToTitle(r)) + strings.ToLower(up[n:])
	}
	return strings.ToTitle(s)
}

// byRune changes each code point with knowledge of where it stands, keeping
// its mark.
func byRune(s Str, f func(i int, c string) string) Str {
	var b strBuilder
	for i, c := range s.chars() {
		b.write(f(i, c.s), len(c.user) > 0)
	}
	r := b.str()
	r.safe = s.safe
	return r
}

// titleStr is str.title: words are runs of letters.
func titleStr(s Str) Str {
	inWord := false
	return byRune(s, func(_ int, c string) string {
		r, _ := utf8.DecodeRuneInString(c)
		cased := unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r)
		defer func() { inWord = cased }()
		switch {
		case !cased:
			return c
		case inWord:
			return strings.ToLower(c)
		}
		return titleRune(c)
	})
}

func capitalize(s Str) Str {
	_, n := utf8.DecodeRuneInString(s.s)
	r := concat(s.slice(0, n).mapText(titleRune), lowerStr(s.slice(n, len(s.s))))
	r.safe = s.safe
	return r
}

// titleWords is the filter title, whose words begin after white space, dashes
// and opening brackets.
func titleWords(s Str) Str {
	start := true
	return byRune(s, func(_ int, c string) string {
		r, _ := utf8.DecodeRuneInString(c)
		if isSpace(r) || strings.ContainsRune("-({[<", r) {
			start = true
			return c
		}
		if start {
			start = false
			return upperText(c)
		}
		return strings.ToLower(c)
	})
}
