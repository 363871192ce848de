package jinja

import (
	"strings"
	"unicode/utf8"
)

// Str is a string value. Parts of it may be marked as user text.
type Str struct {
	s    string
	user []span // sorted, disjoint, not touching: the bytes that came from the user
	safe bool   // escaped for HTML already (markupsafe's Markup)
}

// span is a half-open range of bytes.
type span struct{ lo, hi int }

// Text returns a string value that is template text.
func Text(s string) Str { return Str{s: s} }

// User returns a string value that is marked as user text.
func User(s string) Str {
	if s == "" {
		return Str{}
	}
	return Str{s: s, user: []span{{0, len(s)}}}
}

// Concat joins strings; each part keeps its mark.
func Concat(parts ...Str) Str { return concat(parts...) }

// String returns the bare text.
func (s Str) String() string { return s.s }

// plain reports whether s is uniformly marked, and how.
func (s Str) plain() (user, ok bool) {
	switch {
	case len(s.user) == 0:
		return false, true
	case len(s.user) == 1 && s.user[0].lo == 0 && s.user[0].hi == len(s.s):
		return true, true
	}
	return false, false
}

// with returns text derived from s, wholly marked if any of s is.
func (s Str) with(text string) Str {
	if len(s.user) == 0 {
		return Str{s: text, safe: s.safe}
	}
	r := User(text)
	r.safe = s.safe
	return r
}

// slice returns the bytes lo to hi with their marks.
func (s Str) slice(lo, hi int) Str {
	r := Str{s: s.s[lo:hi], safe: s.safe}
	if lo == hi || len(s.user) == 0 {
		return r
	}
	if user, ok := s.plain(); ok && user {
		r.user = []span{{0, hi - lo}}
		return r
	}
	for _, u := range s.user {
		a, b := max(u.lo, lo), min(u.hi, hi)
		if a < b {
			r.user = append(r.user, span{a - lo, b - lo})
		}
	}
	return r
}

// pieces calls f for each uniformly marked part in order.
func (s Str) pieces(f func(text string, user bool)) {
	pos := 0
	for _, u := range s.user {
		if pos < u.lo {
			f(s.s[pos:u.lo], false)
		}
		f(s.s[u.lo:u.hi], true)
		pos = u.hi
	}
	if pos < len(s.s) {
		f(s.s[pos:], false)
	}
}

// mapText applies f to each part. f must treat the parts of a text like the
// whole, as escaping and changing case do.
func (s Str) mapText(f func(string) string) Str {
	if user, ok := s.plain(); ok {
		r := Str{s: f(s.s), safe: s.safe}
		if user && r.s != "" {
			r.user = []span{{0, len(r.s)}}
		}
		return r
	}
	var b strBuilder
	s.pieces(func(t string, user bool) { b.write(f(t), user) })
	r := b.str()
	r.safe = s.safe
	return r
}

// runeLen returns the length in code points.
func (s Str) runeLen() int { return utf8.RuneCountInString(s.s) }

// offset returns the byte offset of code point i, which may be the length.
func (s Str) offset(i int) int {
	if i <= 0 {
		return 0
	}
	for off := range s.s {
		if i == 0 {
			return off
		}
		i--
	}
	return len(s.s)
}

// chars returns the code points as strings of their own.
func (s Str) chars() []Str {
	out := make([]Str, 0, len(s.s))
	for i := 0; i < len(s.s); {
		_, n := utf8.DecodeRuneInString(s.s[i:])
		out = append(out, s.slice(i, i+n))
		i += n
	}
	return out
}

// strBuilder puts marked text together.
type strBuilder struct {
	b    strings.Builder
	user []span
}

func (b *strBuilder) write(s string, user bool) {
	if s == "" {
		return
	}
	lo := b.b.Len()
	b.b.WriteString(s)
	if !user {
		return
	}
	if n := len(b.user); n > 0 && b.user[n-1].hi == lo {
		b.user[n-1].hi = lo + len(s)
		return
	}
	b.user = append(b.user, span{lo, lo + len(s)})
}

func (b *strBuilder) add(s Str) {
	if len(s.user) == 0 {
		b.write(s.s, false)
		return
	}
	s.pieces(b.write)
}

func (b *strBuilder) len() int { return b.b.Len() }

func (b *strBuilder) str() Str { return Str{s: b.b.String(), user: b.user} }

// concat joins strings; the result is safe if the first one is.
func concat(parts ...Str) Str {
	var b strBuilder
	for _, p := range parts {
		b.add(p)
	}
	r := b.str()
	r.safe = len(parts) > 0 && parts[0].safe
	return r
}

// join puts sep between parts.
func join(sep Str, parts []Str) Str {
	var b strBuilder
	for i, p := range parts {
		if i > 0 {
			b.add(sep)
		}
		b.add(p)
	}
	r := b.str()
	r.safe = sep.safe
	return r
}

// htmlEscaper replaces the five characters that markupsafe replaces.
var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// escape returns s escaped for HTML, and s itself if that was done before.
func escape(s Str) Str {
	if s.safe {
		return s
	}
	s = s.mapText(htmlEscaper.Replace)
	s.safe = true
	return s
}
