// Package strict brings the schemas of strict tools into the form that
// DeepSeek's models are shown: a subset of JSON Schema with its keys in a fixed
// order, every property required and no others allowed. Keys beyond the subset
// vanish; what contradicts it is an error in the words of DeepSeek's API.
package strict

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// Normalize returns the normal form of a tool's parameters.
func Normalize(v *value.Value) (value.Value, error) {
	if v.Kind == value.Null {
		v = &value.Value{Kind: value.Object, Fields: []value.Field{{Key: "type", Value: value.Str("object")}}}
	}
	out, err := schema(v)
	if err != nil {
		return value.Value{}, fmt.Errorf("Invalid tool parameters schema : %w", err) //nolint:staticcheck // the API's own wording
	}
	if t, _ := out.Get("type"); t == nil || t.Text != "object" {
		return value.Value{}, errors.New("The top level of the function parameters schema must be an object.") //nolint:staticcheck,revive // the API's own wording
	}
	if err := check(v, true); err != nil {
		return value.Value{}, err
	}
	return out, nil
}

var errNoType = errors.New("one of `type`, `anyOf`, `$ref` field is required")

// schema returns the normal form of one schema. It looks at types only; check
// looks at what objects demand.
func schema(v *value.Value) (value.Value, error) {
	if v.Kind != value.Object {
		return value.Value{}, errNoType
	}
	if _, ok := v.Get("type"); ok {
		return typed(v)
	}
	out := value.Value{Kind: value.Object}
	if any, ok := v.Get("anyOf"); ok {
		if any.Kind != value.Array {
			return out, fmt.Errorf("field `anyOf`: %w", mismatch(any, "a sequence"))
		}
		list := value.Value{Kind: value.Array}
		for i := range any.Items {
			item, err := alternative(&any.Items[i])
			if err != nil {
				return out, fmt.Errorf("field `anyOf`: %w", err)
			}
			list.Items = append(list.Items, item)
		}
		out.Set("anyOf", list)
		return out, copyText(&out, v, "description")
	}
	if ref, ok := v.Get("$ref"); ok {
		if ref.Kind != value.String {
			return out, fmt.Errorf("field `$ref`: %w", mismatch(ref, "a string"))
		}
		out.Set("$ref", *ref)
		return out, nil
	}
	return out, errNoType
}

// alternative returns the normal form of an entry of anyOf.
func alternative(v *value.Value) (value.Value, error) {
	if v.Kind != value.Object {
		return value.Value{}, mismatch(v, "internally tagged enum JsonSchemaType")
	}
	if _, ok := v.Get("type"); !ok {
		return value.Value{}, errors.New("missing field `type`")
	}
	return typed(v)
}

// typed returns the normal form of a schema with a type.
func typed(v *value.Value) (value.Value, error) {
	out := value.Value{Kind: value.Object}
	t, _ := v.Get("type")
	if t.Kind == value.Array {
		for i := range t.Items {
			if err := variant(&t.Items[i], "string", "number", "integer", "boolean", "null"); err != nil {
				return out, fmt.Errorf("field `type`: %w", err)
			}
		}
		out.Set("type", *t)
		return out, copyText(&out, v, "description")
	}
	if err := variant(t, "object", "string", "number", "integer", "boolean", "array", "null"); err != nil {
		return out, err
	}
	out.Set("type", *t)
	switch t.Text {
	case "object":
		return out, object(&out, v)
	case "array":
		items, ok := v.Get("items")
		if !ok {
			return out, errors.New("missing field `items`")
		}
		item, err := schema(items)
		if err != nil {
			return out, err
		}
		out.Set("items", item)
		return out, copyText(&out, v, "description")
	case "string":
		return out, text(&out, v)
	case "number", "integer":
		return out, number(&out, v, t.Text == "integer")
	}
	return out, copyText(&out, v, "description")
}

// object fills the normal form of an object.
func object(out, v *value.Value) error {
	props := value.Value{Kind: value.Object}
	required := value.Value{Kind: value.Array}
	if p, ok := v.Get("properties"); ok && p.Kind != value.Null {
		if p.Kind != value.Object {
			return mismatch(p, "a map")
		}
		for i := range p.Fields {
			s, err := schema(&p.Fields[i].Value)
			if err != nil {
				return err
			}
			props.Fields = append(props.Fields, value.Field{Key: p.Fields[i].Key, Value: s})
			required.Items = append(required.Items, value.Str(p.Fields[i].Key))
		}
	}
	if a, ok := v.Get("additionalProperties"); ok && a.Kind != value.Null && a.Kind != value.Bool {
		return mismatch(a, "a boolean")
	}
	if r, ok := v.Get("required"); ok && r.Kind != value.Null {
		if err := listOfStrings(r); err != nil {
			return err
		}
	}
	out.Set("properties", props)
	out.Set("additionalProperties", value.Value{Kind: value.Bool})
	out.Set("required", required)
	return copyText(out, v, "description")
}

// text fills the normal form of a string.
func text(out, v *value.Value) error {
	if err := copyText(out, v, "description", "pattern"); err != nil {
		return err
	}
	if f, ok := v.Get("format"); ok && f.Kind != value.Null {
		if err := variant(f, "email", "hostname", "ipv4", "ipv6", "uuid"); err != nil {
			return err
		}
		out.Set("format", *f)
	}
	if e, ok := v.Get("enum"); ok && e.Kind != value.Null {
		if err := listOfStrings(e); err != nil {
			return err
		}
		out.Set("enum", *e)
	}
	return nil
}

// number fills the normal form of a number.
func number(out, v *value.Value, integer bool) error {
	if err := copyText(out, v, "description"); err != nil {
		return err
	}
	for _, key := range []string{"const", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} {
		n, ok := v.Get(key)
		if !ok || n.Kind == value.Null {
			continue
		}
		want := "a JSON number"
		if integer {
			want = "i64"
		}
		if n.Kind != value.Number || integer && strings.ContainsAny(n.Text, ".eE") {
			return mismatch(n, want)
		}
		if _, err := strconv.ParseInt(n.Text, 10, 64); integer && err != nil {
			return fmt.Errorf("invalid value: integer `%s`, expected i64", n.Text)
		}
		out.Set(key, *n)
	}
	return nil
}

// copyText copies keys whose values must be strings.
func copyText(out, v *value.Value, keys ...string) error {
	for _, key := range keys {
		s, ok := v.Get(key)
		if !ok || s.Kind == value.Null {
			continue
		}
		if s.Kind != value.String {
			return mismatch(s, "a string")
		}
		out.Set(key, *s)
	}
	return nil
}

func listOfStrings(v *value.Value) error {
	if v.Kind != value.Array {
		return mismatch(v, "a sequence")
	}
	for i := range v.Items {
		if v.Items[i].Kind != value.String {
			return mismatch(&v.Items[i], "a string")
		}
	}
	return nil
}

// variant checks that a value is one of some words.
func variant(v *value.Value, words ...string) error {
	if v.Kind != value.String {
		return mismatch(v, "variant identifier")
	}
	if slices.Contains(words, v.Text) {
		return nil
	}
	return fmt.Errorf("unknown variant `%s`, expected one of `%s`", v.Text, strings.Join(words, "`, `"))
}

func mismatch(v *value.Value, want string) error {
	got := ""
	switch v.Kind {
	case value.Null:
		got = "null"
	case value.Bool:
		got = fmt.Sprintf("boolean `%v`", v.Bool)
	case value.Number:
		got = "integer `" + v.Text + "`"
		if strings.ContainsAny(v.Text, ".eE") {
			got = "floating point `" + value.SerdeFloats.Number(v.Text) + "`"
		}
	case value.String:
		got = "string " + strconv.Quote(v.Text)
	case value.Array:
		got = "sequence"
	case value.Object:
		got = "map"
	}
	return fmt.Errorf("invalid type: %s, expected %s", got, want)
}

// check looks at what the objects of a well-typed schema demand.
func check(v *value.Value, top bool) error {
	for _, key := range []string{"anyOf", "items"} {
		x, ok := v.Get(key)
		if !ok {
			continue
		}
		if x.Kind == value.Object {
			if err := check(x, false); err != nil {
				return err
			}
		}
		for i := range x.Items {
			if err := check(&x.Items[i], false); err != nil {
				return err
			}
		}
	}
	if t, ok := v.Get("type"); !ok || t.Kind != value.String || t.Text != "object" {
		return nil
	}
	props, ok := v.Get("properties")
	if !ok {
		props = &value.Value{}
	}
	if !top && len(props.Fields) == 0 {
		return errors.New("An object with no properties is not allowed.") //nolint:staticcheck,revive // the API's own wording
	}
	if err := checkRequired(v, props); err != nil {
		return err
	}
	if a, ok := v.Get("additionalProperties"); ok && a.Bool {
		return errors.New("additionalProperties should not be true")
	}
	for i := range props.Fields {
		if err := check(&props.Fields[i].Value, false); err != nil {
			return err
		}
	}
	return nil
}

func checkRequired(v, props *value.Value) error {
	r, ok := v.Get("required")
	if !ok || r.Kind == value.Null {
		return nil
	}
	seen := map[string]bool{}
	for i := range r.Items {
		name := r.Items[i].Text
		if seen[name] {
			return fmt.Errorf("Duplicate required property '%s'", name) //nolint:staticcheck // the API's own wording
		}
		seen[name] = true
		if _, ok := props.Get(name); !ok {
			return fmt.Errorf("Required property '%s' not found in object", name) //nolint:staticcheck // the API's own wording
		}
	}
	if len(seen) != len(props.Fields) {
		return errors.New("Required properties must match all properties in the object") //nolint:staticcheck // the API's own wording
	}
	return nil
}
