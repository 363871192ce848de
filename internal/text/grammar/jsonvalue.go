package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// Limits on a schema's text.
const (
	maxSchemaBytes = 1 << 20
	maxSchemaDepth = 128
)

// A value is a JSON value with the order of its keys.
type value struct {
	kind kinds
	str  string      // string, and the literal of a number
	list []*value    // array
	keys []string    // object
	vals []*value    // object
	num  *big.Rat    // number; nil if its exponent is beyond all use
	dec  *decimalNum // number, in digits
}

// field returns an object's member, nil if there is none.
func (v *value) field(name string) *value {
	for i, k := range v.keys {
		if k == name {
			return v.vals[i]
		}
	}
	return nil
}

func parseJSON(raw json.RawMessage) (*value, error) {
	if len(raw) > maxSchemaBytes {
		return nil, tooLarge("the schema has %d bytes; %d are supported", len(raw), maxSchemaBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := readValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more text after the schema's JSON")
	}
	return v, nil
}

func readValue(dec *json.Decoder, depth int) (*value, error) {
	if depth > maxSchemaDepth {
		return nil, tooLarge("the schema nests deeper than %d", maxSchemaDepth)
	}
	t, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	switch t := t.(type) {
	case nil:
		return &value{kind: kNull}, nil
	case bool:
		v := &value{kind: kBool, str: "false"}
		if t {
			v.str = "true"
		}
		return v, nil
	case string:
		return &value{kind: kString, str: t}, nil
	case json.Number:
		return numberValue(t.String())
	case json.Delim:
		if t == '[' {
			return readArray(dec, depth)
		}
		return readObject(dec, depth)
	}
	return nil, fmt.Errorf("the schema is not JSON: unexpected %v", t)
}

func readArray(dec *json.Decoder, depth int) (*value, error) {
	v := &value{kind: kArray}
	for dec.More() {
		e, err := readValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		v.list = append(v.list, e)
	}
	_, err := dec.Token()
	return v, err
}

func readObject(dec *json.Decoder, depth int) (*value, error) {
	v := &value{kind: kObject}
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("the schema is not JSON: %w", err)
		}
		key, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("the schema is not JSON: %v is no key", t)
		}
		if seen[key] {
			return nil, fmt.Errorf("the schema has the key %q twice in one object", key)
		}
		seen[key] = true
		e, err := readValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		v.keys = append(v.keys, key)
		v.vals = append(v.vals, e)
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	return v, nil
}

func numberValue(s string) (*value, error) {
	v := &value{kind: kNumber, str: s}
	d, err := parseDecimal(s)
	if err != nil {
		return nil, err
	}
	v.dec = d
	v.num = d.rat()
	return v, nil
}

// text is the value's JSON without blanks, its keys in order and its numbers as
// they were written.
func (v *value) text() string {
	var b strings.Builder
	v.write(&b)
	return b.String()
}

func (v *value) write(b *strings.Builder) {
	switch v.kind {
	case kNull:
		b.WriteString("null")
	case kString:
		b.WriteString(quoted(v.str))
	case kArray:
		b.WriteByte('[')
		for i, e := range v.list {
			if i > 0 {
				b.WriteByte(',')
			}
			e.write(b)
		}
		b.WriteByte(']')
	case kObject:
		b.WriteByte('{')
		for i, e := range v.vals {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quoted(v.keys[i]))
			b.WriteByte(':')
			e.write(b)
		}
		b.WriteByte('}')
	default:
		b.WriteString(v.str)
	}
}

// equal compares values as JSON Schema does: numbers by value, objects without
// regard to order.
func (v *value) equal(w *value) bool {
	if v.kind != w.kind || len(v.list) != len(w.list) || len(v.keys) != len(w.keys) {
		return false
	}
	switch v.kind {
	case kNumber:
		return v.num.Cmp(w.num) == 0
	case kArray:
		for i := range v.list {
			if !v.list[i].equal(w.list[i]) {
				return false
			}
		}
		return true
	case kObject:
		for i, k := range v.keys {
			if o := w.field(k); o == nil || !v.vals[i].equal(o) {
				return false
			}
		}
		return true
	}
	return v.str == w.str
}
