// Package value reads JSON into values that keep the order of keys and the
// spelling of numbers, and prints them in the forms that models were trained
// on: as Python's json.dumps writes them, or as Rust's serde_json does with
// Python's separators. Prompts are compared byte for byte, so that the
// difference between 1e-05 and 0.00001 counts.
package value

// Kind is the kind of a value.
type Kind uint8

// The kinds of values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Value is one JSON value.
type Value struct {
	Kind   Kind
	Bool   bool
	Text   string // a string's text, or a number as it was written
	Items  []Value
	Fields []Field
}

// Field is one entry of an object.
type Field struct {
	Key   string
	Value Value
}

// Get returns the value of a key, and whether the object has it.
func (v *Value) Get(key string) (*Value, bool) {
	for i := range v.Fields {
		if v.Fields[i].Key == key {
			return &v.Fields[i].Value, true
		}
	}
	return nil, false
}

// Set replaces or appends an entry of an object.
func (v *Value) Set(key string, x Value) {
	if old, ok := v.Get(key); ok {
		*old = x
		return
	}
	v.Fields = append(v.Fields, Field{key, x})
}

// Str returns a string value.
func Str(s string) Value { return Value{Kind: String, Text: s} }
