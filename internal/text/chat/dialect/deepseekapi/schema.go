package deepseekapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// types are the names of JSON Schema's types.
var types = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

// shapes says of what type the values of JSON Schema's common keywords are.
var shapes = map[string]string{
	"title": "string", "pattern": "string", "description": "string", "$ref": "string", "$schema": "string", "format": "string",
	"minimum": "number", "maximum": "number", "exclusiveMinimum": "number", "exclusiveMaximum": "number", "multipleOf": "number",
	"minLength": "integer", "maxLength": "integer", "minItems": "integer", "maxItems": "integer", "minProperties": "integer", "maxProperties": "integer",
	"uniqueItems": "boolean", "readOnly": "boolean", "writeOnly": "boolean", "deprecated": "boolean", "enum": "array", "examples": "array",
}

// schemaFault says what is wrong with a JSON schema, or returns "". It knows
// the common keywords; the rest passes.
func schemaFault(v *value.Value) string {
	if fault := shapeFault(v); fault != "" {
		return fault
	}
	return refFault(v, v)
}

// refFault says which reference within a schema leads nowhere.
func refFault(root, v *value.Value) string {
	for i := range v.Items {
		if fault := refFault(root, &v.Items[i]); fault != "" {
			return fault
		}
	}
	for i := range v.Fields {
		f := &v.Fields[i]
		switch f.Key {
		case "enum", "const", "default", "examples":
			continue
		case "$ref":
			if path, ok := strings.CutPrefix(f.Value.Text, "#/"); ok && !exists(root, path) {
				return "Pointer '/" + path + "' does not exist"
			}
		}
		if fault := refFault(root, &f.Value); fault != "" {
			return fault
		}
	}
	return ""
}

// exists follows a JSON pointer.
func exists(v *value.Value, path string) bool {
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for key := range strings.SplitSeq(path, "/") {
		if n, err := strconv.Atoi(key); v.Kind == value.Array && err == nil && n >= 0 && n < len(v.Items) {
			v = &v.Items[n]
			continue
		}
		next, ok := v.Get(unescape.Replace(key))
		if !ok {
			return false
		}
		v = next
	}
	return true
}

// shapeFault looks at the types of the keywords' values.
func shapeFault(v *value.Value) string {
	if v.Kind == value.Bool {
		return ""
	}
	if v.Kind != value.Object {
		return compact(v) + ` is not of types "boolean", "object"`
	}
	for i := range v.Fields {
		if fault := keywordFault(v.Fields[i].Key, &v.Fields[i].Value); fault != "" {
			return fault
		}
	}
	return ""
}

func keywordFault(key string, v *value.Value) string {
	switch key {
	case "type":
		if !validType(v) {
			return compact(v) + " is not valid under any of the schemas listed in the 'anyOf' keyword"
		}
	case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
		if v.Kind != value.Object {
			return notOf(v, "object")
		}
		for i := range v.Fields {
			if fault := shapeFault(&v.Fields[i].Value); fault != "" {
				return fault
			}
		}
	case "anyOf", "oneOf", "allOf", "prefixItems":
		if v.Kind != value.Array {
			return notOf(v, "array")
		}
		if len(v.Items) == 0 {
			return "[] has less than 1 item"
		}
		for i := range v.Items {
			if fault := shapeFault(&v.Items[i]); fault != "" {
				return fault
			}
		}
	case "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedProperties", "unevaluatedItems":
		return shapeFault(v)
	case "required":
		if v.Kind != value.Array {
			return notOf(v, "array")
		}
		for i := range v.Items {
			if v.Items[i].Kind != value.String {
				return notOf(&v.Items[i], "string")
			}
		}
	default:
		if want, ok := shapes[key]; ok && !isType(v, want) {
			return notOf(v, want)
		}
	}
	return ""
}

func validType(v *value.Value) bool {
	if v.Kind == value.String {
		return slices.Contains(types, v.Text)
	}
	for i := range v.Items {
		if v.Items[i].Kind != value.String || !slices.Contains(types, v.Items[i].Text) {
			return false
		}
	}
	return len(v.Items) > 0
}

func isType(v *value.Value, name string) bool {
	switch name {
	case "string":
		return v.Kind == value.String
	case "boolean":
		return v.Kind == value.Bool
	case "array":
		return v.Kind == value.Array
	}
	return v.Kind == value.Number
}

func notOf(v *value.Value, name string) string { return compact(v) + ` is not of type "` + name + `"` }

func compact(v *value.Value) string {
	return value.Style{Compact: true, Floats: value.SerdeFloats}.Print(v)
}
