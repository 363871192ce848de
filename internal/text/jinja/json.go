package jinja

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
)

// FromJSON reads a JSON text, keeping the order of keys and the difference
// between integers and floats. Strings are template text; see Mark.
func FromJSON(data []byte) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := decodeJSON(dec, 0)
	if err != nil {
		return nil, fmt.Errorf("jinja: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errorf(KindValue, "text after the JSON value at byte %d", dec.InputOffset())
	}
	return v, nil
}

func decodeJSON(dec *json.Decoder, depth int) (Value, error) {
	if depth > maxDepth {
		return nil, errorf(KindLimit, "JSON nested deeper than %d", maxDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch t := tok.(type) {
	case nil:
		return None, nil
	case bool:
		return t, nil
	case string:
		return Text(t), nil
	case json.Number:
		return jsonNumber(string(t))
	}
	if tok == json.Delim('[') {
		l := &List{}
		for dec.More() {
			v, err := decodeJSON(dec, depth+1)
			if err != nil {
				return nil, err
			}
			l.v = append(l.v, v)
		}
		_, err := dec.Token()
		return l, err
	}
	d := NewDict()
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return nil, err
		}
		v, err := decodeJSON(dec, depth+1)
		if err != nil {
			return nil, err
		}
		d.Set(k.(string), v)
	}
	_, err = dec.Token()
	return d, err
}

func jsonNumber(s string) (Value, error) {
	if !strings.ContainsAny(s, ".eE") {
		n, ok := new(big.Int).SetString(s, 10)
		if !ok || len(s) > maxIntDigits {
			return nil, errorf(KindValue, "invalid integer of %d digits", len(s))
		}
		return normInt(n), nil
	}
	f, _ := strconv.ParseFloat(s, 64) // beyond the range: infinity, as in Python
	return f, nil
}

// Mark returns v with every string in it marked as user text, keys included.
func Mark(v Value) Value {
	switch v := v.(type) {
	case Str:
		return User(v.s)
	case *List:
		out := &List{make([]Value, len(v.v))}
		for i, x := range v.v {
			out.v[i] = Mark(x)
		}
		return out
	case *Dict:
		out := &Dict{keys: make([]Value, len(v.keys)), vals: make([]Value, len(v.vals)), at: v.at}
		for i := range v.keys {
			out.keys[i], out.vals[i] = Mark(v.keys[i]), Mark(v.vals[i])
		}
		return out
	}
	return v
}

func jsonFilters() []*builtin {
	return []*builtin{
		fn("tojson", "x ensure_ascii? indent? separators? sort_keys?", func(in *interp, a []Value) (Value, error) { return in.toJSON(a) }),
		fn("from_json", "s", func(in *interp, a []Value) (Value, error) {
			s, ok := a[0].(Str)
			if !ok {
				return nil, typeErrorf("the JSON object must be str, bytes or bytearray, not %s", typeName(a[0]))
			}
			if err := in.step(len(s.s)); err != nil {
				return nil, err
			}
			v, err := FromJSON([]byte(s.s))
			if err != nil {
				return nil, valueErrorf("not JSON: %v", err)
			}
			if len(s.user) > 0 {
				v = Mark(v)
			}
			return v, nil
		}),
	}
}

// jsonWriter writes JSON as Python's json.dumps does.
type jsonWriter struct {
	in     *interp
	b      strBuilder
	ascii  bool
	sort   bool
	indent *string // nil: one line
	item   Str     // between items
	key    Str     // between key and value
}

func (in *interp) toJSON(a []Value) (Value, error) {
	w := &jsonWriter{in: in, ascii: boolArg(a[1], false), sort: boolArg(a[4], false), item: Text(", "), key: Text(": ")}
	switch v := a[2].(type) {
	case nil, noneType:
	case Str:
		w.indent, w.item = &v.s, Text(",")
	default:
		n, err := intArg(v, 0)
		if err != nil {
			return nil, err
		}
		if n > 1000 {
			return nil, errorf(KindLimit, "an indent of %d: at most 1000 are allowed", n)
		}
		s := strings.Repeat(" ", int(max(n, 0)))
		w.indent, w.item = &s, Text(",")
	}
	if a[3] != nil && a[3] != None {
		seps, err := in.list(a[3])
		if err != nil {
			return nil, err
		}
		if len(seps) != 2 {
			return nil, valueErrorf("separators must be a pair, got %d items", len(seps))
		}
		if w.item, err = strArg(seps[0], ""); err != nil {
			return nil, err
		}
		if w.key, err = strArg(seps[1], ""); err != nil {
			return nil, err
		}
	}
	if err := w.value(a[0], 0); err != nil {
		return nil, err
	}
	return w.b.str(), in.text(int64(w.b.len()))
}

func (w *jsonWriter) value(v Value, depth int) error {
	if depth > maxDepth {
		return errorf(KindLimit, "a value nested deeper than %d", maxDepth)
	}
	if err := w.in.grew(&w.b); err != nil {
		return err
	}
	switch v := v.(type) {
	case Str:
		w.str(v)
	case *List:
		return w.list(v.v, depth)
	case *Tuple:
		return w.list(v.v, depth)
	case *Dict:
		return w.dict(v, depth)
	default:
		s, ok := jsonScalar(v)
		if !ok {
			return typeErrorf("Object of type %s is not JSON serializable", jsonTypeName(v))
		}
		w.b.write(s, false)
	}
	return nil
}

// jsonTypeName is the type's name in Python's message.
func jsonTypeName(v Value) string {
	if _, ok := v.(callable); ok {
		return "function"
	}
	return typeName(v)
}

// jsonScalar writes what is neither text nor a container.
func jsonScalar(v Value) (string, bool) {
	switch v := v.(type) {
	case noneType:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case *big.Int:
		return v.String(), v.BitLen() < maxIntDigits*3
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN", true
		case math.IsInf(v, 1):
			return "Infinity", true
		case math.IsInf(v, -1):
			return "-Infinity", true
		}
		return floatRepr(v), true
	}
	return "", false
}

func (w *jsonWriter) str(s Str) {
	w.b.write(`"`, false)
	s.pieces(func(t string, user bool) { w.b.write(jsonText(t, w.ascii), user) })
	w.b.write(`"`, false)
}

func jsonText(s string, ascii bool) string {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || ascii && c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20:
			fmt.Fprintf(&b, `\u%04x`, r)
		case ascii && r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		case ascii && r > 0x7e:
			if r == 0x7f {
				b.WriteRune(r)
				continue
			}
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// newline begins a line of its own, if the output is indented.
func (w *jsonWriter) newline(depth int) {
	if w.indent != nil {
		w.b.write("\n"+strings.Repeat(*w.indent, depth), false)
	}
}

func (w *jsonWriter) list(items []Value, depth int) error {
	if len(items) == 0 {
		w.b.write("[]", false)
		return nil
	}
	w.b.write("[", false)
	for i, v := range items {
		if i > 0 {
			w.b.add(w.item)
		}
		w.newline(depth + 1)
		if err := w.value(v, depth+1); err != nil {
			return err
		}
	}
	w.newline(depth)
	w.b.write("]", false)
	return nil
}

func (w *jsonWriter) dict(d *Dict, depth int) error {
	if d.Len() == 0 {
		w.b.write("{}", false)
		return nil
	}
	items, err := w.in.list(&view{d, "items"})
	if err != nil {
		return err
	}
	if w.sort {
		key := func(v Value) (Value, error) { return v.(*Tuple).v[0], nil }
		if items, err = w.in.sorted(items, key, false); err != nil {
			return err
		}
	}
	w.b.write("{", false)
	for i, it := range items {
		kv := it.(*Tuple).v
		if i > 0 {
			w.b.add(w.item)
		}
		w.newline(depth + 1)
		if k, ok := kv[0].(Str); ok {
			w.str(k)
		} else {
			s, ok := jsonScalar(kv[0])
			if !ok {
				return typeErrorf("keys must be str, int, float, bool or None, not %s", typeName(kv[0]))
			}
			w.b.write(`"`+s+`"`, false)
		}
		w.b.add(w.key)
		if err := w.value(kv[1], depth+1); err != nil {
			return err
		}
	}
	w.newline(depth)
	w.b.write("}", false)
	return nil
}
