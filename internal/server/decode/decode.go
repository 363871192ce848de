package decode

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// MaxDepth is how deeply values may be nested. A JSON schema of a tool may be
// deep; nothing sensible comes near.
const MaxDepth = 128

// Fields says what to do with fields that the target has no place for.
type Fields struct {
	// Ignored are documented fields that change nothing here, so that leaving
	// them out of account is no surprise: "metadata", "service_tier".
	Ignored []string
	// Refused are documented fields that would change the answer, with the
	// reason why they cannot be had. null is as good as absent.
	Refused map[string]string
	// Lenient ignores fields that are in no list, for APIs whose clients send
	// some of their own. Otherwise they are refused.
	Lenient bool
}

// Body reads a request's JSON body into dst, a pointer to a struct.
func Body(r *http.Request, dst any, f Fields) error {
	if ct := r.Header.Get("Content-Type"); ct != "" {
		t, _, err := mime.ParseMediaType(ct)
		if err != nil || t != "application/json" && !strings.HasSuffix(t, "+json") && t != "application/x-www-form-urlencoded" && t != "application/octet-stream" {
			return apierr.New(apierr.WrongContentType, "the content type is %.100q, but must be application/json", ct)
		}
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		if mb := (*http.MaxBytesError)(nil); errors.As(err, &mb) {
			return err
		}
		return apierr.New(apierr.ClientGone, "the request's body ended early").Because(err)
	}
	return JSON(data, dst, f)
}

// JSON is Body for bytes.
func JSON(data []byte, dst any, f Fields) error {
	if len(data) == 0 {
		return apierr.New(apierr.InvalidJSON, "the request's body is empty, expected a JSON object")
	}
	if err := Check(data); err != nil {
		return err
	}
	if err := f.check(data, dst); err != nil {
		return err
	}
	return Value(data, dst, "")
}

// Value decodes one value. Its errors name the field below param.
func Value(data []byte, dst any, param string) error {
	err := json.Unmarshal(data, dst)
	if err == nil {
		return nil
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := join(param, jsonPath(reflect.TypeOf(dst), te.Field))
		if field == "" {
			return apierr.New(apierr.InvalidJSON, "the request is a JSON %s, expected %s", te.Value, kindName(te.Type))
		}
		return apierr.At(apierr.InvalidValue, field, "'%s' is a JSON %s, but must be %s", field, te.Value, kindName(te.Type))
	}
	if ae, ok := errors.AsType[*apierr.Error](err); ok {
		if param != "" && !strings.HasPrefix(ae.Param, param) {
			c := *ae
			c.Param = join(param, ae.Param)
			return &c
		}
		return ae
	}
	return apierr.New(apierr.InvalidJSON, "the request's body cannot be read: %v", err)
}

// jsonPath removes the names of embedded structs from a path: they are Go's, and
// no client knows them.
func jsonPath(t reflect.Type, path string) string {
	var out []string
	for name := range strings.SplitSeq(path, ".") {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			out = append(out, name)
			continue
		}
		if f, ok := t.FieldByName(name); ok && f.Anonymous && !fieldsOf(t)[name] {
			t = f.Type
			continue
		}
		out = append(out, name)
		if f, ok := fieldOf(t, name); ok {
			t = f.Type
		}
	}
	return strings.Join(out, ".")
}

// fieldOf finds the field that has a JSON name.
func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "." + b
}

// kindName calls a Go type what JSON calls it.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		return "a whole number"
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		return "a whole number of 0 or more"
	case reflect.Pointer:
		return kindName(t.Elem())
	default:
		return "something else"
	}
}

// check looks at the keys of the outermost object.
func (f *Fields) check(data []byte, dst any) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil || m == nil {
		return apierr.New(apierr.InvalidJSON, "the request's body is no JSON object")
	}
	known := fieldsOf(reflect.TypeOf(dst))
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys) // the first error does not depend on a map's order
	for _, k := range keys {
		if known[k] || slices.Contains(f.Ignored, k) {
			continue
		}
		why, refused := f.Refused[k]
		switch {
		case refused && string(m[k]) == "null":
		case refused:
			return apierr.Unsupported(k, why)
		case !f.Lenient:
			return apierr.At(apierr.UnknownField, k, "'%.100s' is not known; check its spelling, or leave it out", k)
		}
	}
	return nil
}

var fieldCache sync.Map // of reflect.Type to map[string]bool

// fieldsOf returns the JSON names of a struct's fields, embedded ones included.
func fieldsOf(t reflect.Type) map[string]bool {
	if c, ok := fieldCache.Load(t); ok {
		return c.(map[string]bool)
	}
	out := map[string]bool{}
	collect(t, out)
	fieldCache.Store(t, out)
	return out
}

func collect(t reflect.Type, out map[string]bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			collect(f.Type, out)
		case name != "" && name != "-":
			out[name] = true
		}
	}
}
