package chat

import (
	"encoding/json"
	"strings"
)

// A ParamKind says how an argument that is written as text, without quotes, is read.
type ParamKind uint8

// The kinds of parameters.
const (
	ParamJSON       ParamKind = iota // JSON, or a string if it is no JSON
	ParamText                        // a string, whatever it looks like
	ParamTextOrNull                  // a string, but for the word null
)

// ParamKinds returns the kinds of an object's properties as far as its schema tells
// that they are strings; all others are ParamJSON. Whoever writes arguments and
// whoever reads them must ask here: what the schema leaves open would be another
// value for each of them.
func ParamKinds(schema json.RawMessage) map[string]ParamKind {
	r := kindReader{root: schema}
	kinds := map[string]ParamKind{}
	for name, s := range r.properties(schema, 0) {
		switch r.types(s, 0) {
		case mayString:
			kinds[name] = ParamText
		case mayString | mayNull:
			kinds[name] = ParamTextOrNull
		}
	}
	return kinds
}

// What a value may be.
const (
	mayString uint8 = 1 << iota
	mayNull
	mayOther
	mayAny = mayString | mayNull | mayOther
)

// maxKindDepth bounds how far references and combinations are followed.
const maxKindDepth = 16

// kindSchema is what of a schema tells types.
type kindSchema struct {
	Type       json.RawMessage            `json:"type"`
	Enum       []json.RawMessage          `json:"enum"`
	Const      json.RawMessage            `json:"const"`
	Ref        string                     `json:"$ref"`
	AnyOf      []json.RawMessage          `json:"anyOf"`
	OneOf      []json.RawMessage          `json:"oneOf"`
	AllOf      []json.RawMessage          `json:"allOf"`
	Properties map[string]json.RawMessage `json:"properties"`
}

type kindReader struct{ root json.RawMessage }

// properties returns an object's own properties.
func (r *kindReader) properties(schema json.RawMessage, depth int) map[string]json.RawMessage {
	var s kindSchema
	if json.Unmarshal(schema, &s) != nil || depth > maxKindDepth {
		return nil
	}
	if len(s.Properties) == 0 && s.Ref != "" {
		return r.properties(r.resolve(s.Ref), depth+1)
	}
	return s.Properties
}

// types returns what values a schema may allow.
func (r *kindReader) types(schema json.RawMessage, depth int) uint8 {
	var s kindSchema
	if depth > maxKindDepth || json.Unmarshal(schema, &s) != nil {
		return mayAny
	}
	may := typesOf(s.Type)
	if s.Enum != nil {
		may &= valuesMay(s.Enum)
	}
	if s.Const != nil {
		may &= valuesMay([]json.RawMessage{s.Const})
	}
	if s.Ref != "" {
		may &= r.types(r.resolve(s.Ref), depth+1)
	}
	for _, group := range [][]json.RawMessage{s.AnyOf, s.OneOf} {
		if group == nil {
			continue
		}
		var some uint8
		for _, x := range group {
			some |= r.types(x, depth+1)
		}
		may &= some
	}
	for _, x := range s.AllOf {
		may &= r.types(x, depth+1)
	}
	return may
}

// typesOf reads the keyword type: a name or a list of them.
func typesOf(raw json.RawMessage) uint8 {
	var names []string
	var one string
	switch {
	case raw == nil:
		return mayAny
	case json.Unmarshal(raw, &one) == nil:
		names = []string{one}
	case json.Unmarshal(raw, &names) != nil:
		return mayAny
	}
	var may uint8
	for _, n := range names {
		switch n {
		case "string":
			may |= mayString
		case "null":
			may |= mayNull
		default:
			may |= mayOther
		}
	}
	return may
}

func valuesMay(values []json.RawMessage) (may uint8) {
	for _, v := range values {
		switch {
		case strings.HasPrefix(string(v), `"`):
			may |= mayString
		case string(v) == "null":
			may |= mayNull
		default:
			may |= mayOther
		}
	}
	return may
}

// resolve finds what a reference within the document points to; nil if it cannot.
func (r *kindReader) resolve(ref string) json.RawMessage {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	at := r.root
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if step == "" {
			continue
		}
		var m map[string]json.RawMessage
		if json.Unmarshal(at, &m) != nil {
			return nil
		}
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	return at
}
