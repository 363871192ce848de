package strict

import (
	"testing"

	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// TestNormalize holds what deepseek-recipe 0.2.0 makes of schemas.
func TestNormalize(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		v, err := value.Rules{}.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Normalize(&v)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = value.Style{Compact: true, Floats: value.SerdeFloats}.Print(&out)
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
		if err == nil {
			if again, err := Normalize(&out); err != nil || (value.Style{}).Print(&again) != (value.Style{}).Print(&out) {
				t.Errorf("%s: the normal form is not normal: %v", in, err)
			}
		}
	}
	property := func(in, want string) {
		t.Helper()
		f(`{"type":"object","properties":{"a":`+in+`}}`, `{"type":"object","properties":{"a":`+want+`},"additionalProperties":false,"required":["a"]}`)
	}
	const empty = `{"type":"object","properties":{},"additionalProperties":false,"required":[]}`
	f(`null`, empty)
	f(`{"type":"object"}`, empty)
	f(`{"required":["b","a"],"title":"t","properties":{"a":{"type":"null"},"b":{"type":"boolean"}},"description":"d","type":"object"}`,
		`{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"boolean"}},"additionalProperties":false,"required":["a","b"],"description":"d"}`)
	property(`{"enum":["x"],"format":"uuid","pattern":"p","description":"d","type":"string","minLength":1}`, `{"type":"string","description":"d","pattern":"p","format":"uuid","enum":["x"]}`)
	property(`{"multipleOf":2,"minimum":1,"default":3,"const":4,"type":"integer","exclusiveMaximum":9,"enum":[1]}`, `{"type":"integer","const":4,"default":3,"minimum":1,"exclusiveMaximum":9,"multipleOf":2}`)
	property(`{"type":"number","minimum":1e-7}`, `{"type":"number","minimum":1e-7}`)
	property(`{"minItems":1,"description":"d","items":{"type":"string"},"type":"array"}`, `{"type":"array","items":{"type":"string"},"description":"d"}`)
	property(`{"type":["string","null"],"enum":["x"],"description":"d"}`, `{"type":["string","null"],"description":"d"}`)
	property(`{"description":"d","anyOf":[{"type":"string","title":"t"},{"type":"null"}]}`, `{"anyOf":[{"type":"string"},{"type":"null"}],"description":"d"}`)
	property(`{"$ref":"#/$defs/x","description":"d"}`, `{"$ref":"#/$defs/x"}`)

	const prefix = "Invalid tool parameters schema : "
	f(`{}`, prefix+"one of `type`, `anyOf`, `$ref` field is required")
	f(`[]`, prefix+"one of `type`, `anyOf`, `$ref` field is required")
	f(`{"type":"foo"}`, prefix+"unknown variant `foo`, expected one of `object`, `string`, `number`, `integer`, `boolean`, `array`, `null`")
	f(`{"type":"object","properties":{"a":{"type":"array"}}}`, prefix+"missing field `items`")
	f(`{"type":"object","properties":{"a":{"type":"integer","minimum":1.5}}}`, prefix+"invalid type: floating point `1.5`, expected i64")
	f(`{"type":"object","properties":{"a":{"anyOf":[1]}}}`, prefix+"field `anyOf`: invalid type: integer `1`, expected internally tagged enum JsonSchemaType")
	f(`{"type":"object","additionalProperties":{}}`, prefix+"invalid type: map, expected a boolean")
	f(`{"type":"string"}`, "The top level of the function parameters schema must be an object.")
	f(`{"type":"object","additionalProperties":true}`, "additionalProperties should not be true")
	f(`{"type":"object","properties":{"a":{"type":"object"}}}`, "An object with no properties is not allowed.")
	f(`{"type":"object","properties":{"a":{"type":"null"}},"required":[]}`, "Required properties must match all properties in the object")
	f(`{"type":"object","properties":{"a":{"type":"null"}},"required":["a","a"]}`, "Duplicate required property 'a'")
	f(`{"type":"object","required":["z"]}`, "Required property 'z' not found in object")
}
