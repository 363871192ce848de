package jinja

import (
	"html"
	"strings"
)

func htmlFilters() []*builtin {
	return []*builtin{
		softFn("escape", func(s Str) (Value, error) { return escape(s), nil }),
		softFn("forceescape", func(s Str) (Value, error) {
			s.safe = false
			return escape(s), nil
		}),
		softFn("safe", func(s Str) (Value, error) {
			s.safe = true
			return s, nil
		}),
		softFn("striptags", func(s Str) (Value, error) {
			s.safe = false
			return s.with(stripTags(s.s)), nil
		}),
		fn("urlencode", "value", func(in *interp, a []Value) (Value, error) { return in.urlEncode(a[0]) }),
		fn("xmlattr", "d autospace?", func(in *interp, a []Value) (Value, error) { return in.xmlAttr(a) }),
		fn("urlize", "value trim_url_limit? nofollow? target? rel? extra_schemes?", func(in *interp, a []Value) (Value, error) {
			return in.urlize(a)
		}),
	}
}

// stripTags removes comments and tags, joins white space and undoes entities.
func stripTags(s string) string {
	for _, pair := range [][2]string{{"<!--", "-->"}, {"<", ">"}} {
		var b strings.Builder
		for {
			i := strings.Index(s, pair[0])
			if i < 0 {
				break
			}
			j := strings.Index(s[i:], pair[1])
			if j < 0 {
				break
			}
			b.WriteString(s[:i])
			s = s[i+j+len(pair[1]):]
		}
		s = b.String() + s
	}
	return html.UnescapeString(strings.Join(strings.FieldsFunc(s, isSpace), " "))
}

// urlQuote quotes all but unreserved characters and those of also.
func urlQuote(s, also string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case isDecimal(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || strings.IndexByte("_.-~", c) >= 0 || strings.IndexByte(also, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + hexDigits[c>>4:c>>4+1] + hexDigits[c&15:c&15+1])
		}
	}
	return b.String()
}

func (in *interp) quoted(v Value, also string) (Str, error) {
	s, err := in.str(v)
	if err != nil {
		return Str{}, err
	}
	s.safe = false
	return s.mapText(func(t string) string { return urlQuote(t, also) }), in.text(3 * int64(len(s.s)))
}

func (in *interp) urlEncode(v Value) (Value, error) {
	if _, ok := v.(Str); ok {
		return in.quoted(v, "/")
	}
	seq := v
	if d, ok := v.(*Dict); ok {
		seq = &view{d, "items"}
	}
	if _, err := in.iter(seq); err != nil {
		return in.quoted(v, "/")
	}
	items, err := in.list(seq)
	if err != nil {
		return nil, err
	}
	var parts []Str
	for _, it := range items {
		pair, err := in.list(it)
		if err != nil {
			return nil, err
		}
		if len(pair) != 2 {
			return nil, valueErrorf("not enough values to unpack (expected 2, got %d)", len(pair))
		}
		var kv [2]Str
		for i := range kv {
			if kv[i], err = in.quoted(pair[i], ""); err != nil {
				return nil, err
			}
			kv[i] = kv[i].mapText(func(t string) string { return strings.ReplaceAll(t, "%20", "+") })
		}
		parts = append(parts, concat(kv[0], Text("="), kv[1]))
	}
	return in.join(Text("&"), parts)
}

func (in *interp) xmlAttr(a []Value) (Value, error) {
	d, ok := a[0].(*Dict)
	if !ok {
		if u, ok := a[0].(*undefined); ok {
			return nil, u.err()
		}
		return nil, typeErrorf("'%s' object has no attribute 'items'", typeName(a[0]))
	}
	var parts []Str
	for i, k := range d.keys {
		v := d.vals[i]
		if _, u := v.(*undefined); u || v == None {
			continue
		}
		key, ok := k.(Str)
		if !ok {
			return nil, typeErrorf("expected string or bytes-like object, got '%s'", typeName(k))
		}
		if strings.ContainsAny(key.s, " \t\n\r\f\v/>=") {
			return nil, valueErrorf("invalid character in attribute name: %s", reprText(k))
		}
		s, err := in.str(v)
		if err != nil {
			return nil, err
		}
		attr := concat(escape(key), Text(`="`), escape(s), Text(`"`))
		attr.safe = false
		parts = append(parts, attr)
	}
	out, err := in.join(Text(" "), parts)
	if err != nil || len(parts) == 0 {
		return out, err
	}
	s := out.(Str)
	if boolArg(a[1], true) {
		s = concat(Text(" "), s)
	}
	s.safe = in.escape
	return s, nil
}

// urlize turns addresses in text into links: words that begin with http://,
// https:// or www., and mail addresses.
func (in *interp) urlize(a []Value) (Value, error) {
	s, err := in.soft(a[0])
	if err != nil {
		return nil, err
	}
	limit, err := intArg(a[1], -1)
	if err != nil {
		return nil, err
	}
	rel := []string{"noopener"}
	if boolArg(a[2], false) {
		rel = []string{"nofollow", "noopener"}
	}
	attrs := ` rel="` + strings.Join(rel, " ") + `"`
	if t, ok := a[3].(Str); ok {
		attrs += ` target="` + htmlEscaper.Replace(t.s) + `"`
	}
	if err := in.text(8 * int64(len(s.s))); err != nil {
		return nil, err
	}
	text := escape(s).s
	var b strings.Builder
	for text != "" {
		n := strings.IndexFunc(text, isSpace)
		if n < 0 {
			n = len(text)
		}
		b.WriteString(linked(text[:n], attrs, int(limit)))
		text = text[n:]
		n = len(text) - len(strings.TrimLeftFunc(text, isSpace))
		b.WriteString(text[:n])
		text = text[n:]
	}
	out := s.with(b.String())
	out.safe = in.escape
	return out, nil
}

func linked(word, attrs string, limit int) string {
	head := word[:len(word)-len(strings.TrimLeft(word, "(<"))]
	mid := word[len(head):]
	tail := mid[len(strings.TrimRight(mid, ".,)>")):]
	mid = mid[:len(mid)-len(tail)]
	href := ""
	switch {
	case strings.HasPrefix(mid, "http://") || strings.HasPrefix(mid, "https://"):
		href = mid
	case strings.HasPrefix(mid, "www."):
		href = "https://" + mid
	case strings.HasPrefix(mid, "mailto:"):
		return head + `<a href="` + mid + `">` + mid[7:] + `</a>` + tail
	case strings.Count(mid, "@") == 1 && strings.Contains(mid[strings.Index(mid, "@"):], ".") && mid[0] != '@':
		return head + `<a href="mailto:` + mid + `">` + mid + `</a>` + tail
	default:
		return word
	}
	show := Text(mid)
	if limit >= 0 && show.runeLen() > limit {
		show = Text(mid[:show.offset(limit)] + "...")
	}
	return head + `<a href="` + href + `"` + attrs + `>` + show.s + `</a>` + tail
}
