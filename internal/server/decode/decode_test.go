package decode

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

type inner struct {
	Depth *int64 `json:"depth"`
}

type target struct {
	inner
	Name  string             `json:"name"`
	List  []inner            `json:"list"`
	Other map[string]float64 `json:"other"`
}

func TestJSON(t *testing.T) {
	fields := Fields{Ignored: []string{"meta"}, Refused: map[string]string{"magic": "there is none"}}
	f := func(body string, param string, kind apierr.Kind) {
		t.Helper()
		var dst target
		err := JSON([]byte(body), &dst, fields)
		e := apierr.From(err)
		if err == nil || e.Kind != kind || e.Param != param {
			t.Errorf("%s: %v (kind %d, param %q)", body, err, e.Kind, e.Param)
		}
	}
	f(``, "", apierr.InvalidJSON)
	f(`null`, "", apierr.InvalidJSON)
	f(`{} {}`, "", apierr.InvalidJSON)
	f(`{"a":1,}`, "", apierr.InvalidJSON)
	f(`{"name":NaN}`, "", apierr.InvalidJSON)
	f(`{"Name":"x"}`, "Name", apierr.UnknownField) // encoding/json would take it
	f(`{"magic":1}`, "magic", apierr.UnsupportedField)
	f(`{"name":1}`, "name", apierr.InvalidValue)
	f(`{"depth":"x"}`, "depth", apierr.InvalidValue)
	f(`{"list":[{"depth":"x"}]}`, "list.depth", apierr.InvalidValue)
	f(`{"name":"a","n\u0061me":"b"}`, "name", apierr.InvalidJSON)
	f(`{"other":{"x":1,"x":2}}`, "x", apierr.InvalidJSON)
	f(`{"list":`+strings.Repeat(`[`, 300)+strings.Repeat(`]`, 300)+`}`, "", apierr.InvalidJSON)
	ok := func(body string) {
		t.Helper()
		var dst target
		if err := JSON([]byte(body), &dst, fields); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	ok(`{}`)
	ok(` { "name" : "a\"b{}[]" , "list" : [ { "depth" : 3 } , { } ] , "meta" : [ ] , "magic" : null } `)
	ok(`{"other":{"x":1e-5,"y":-0},"depth":null}`)
}

func TestNumbers(t *testing.T) {
	var f float64
	v := 3.0
	if err := Float(&f, "x", &v, 0, 2); err == nil || err.Error() != "'x' is 3, but must be from 0 to 2" {
		t.Error(err)
	}
	if err := Float(&f, "x", nil, 0, 2); err != nil || f != 0 {
		t.Error(err, f)
	}
	var n int
	i := int64(7)
	if err := Int(&n, "x", &i, 0, 10); err != nil || n != 7 {
		t.Error(err, n)
	}
}

// FuzzCheck compares the scanner with encoding/json: what both take must be the
// same, and a key that comes twice must be found.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{}`, `[]`, `{"a":[1,2,{"b":null}]}`, `"x"`, `1e5`, `{"a":1,"a":2}`, `{"\u0061":1,"a":2}`, " [ ] ", `[[[]]]`, `{"a":{}}`, "[\"\\\\\"]", `{"":0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := Check(data)
		if !json.Valid(data) {
			if err == nil {
				t.Fatalf("%q is taken", data)
			}
			return
		}
		if twice(data) && err == nil {
			t.Errorf("%q has a key twice", data)
		}
	})
}

// twice finds a key that comes twice by reading tokens.
func twice(data []byte) bool {
	d := json.NewDecoder(bytes.NewReader(data))
	type level struct {
		object bool
		key    bool // the next token is one
		seen   map[string]bool
	}
	var stack []level
	for {
		tok, err := d.Token()
		if err != nil {
			return false
		}
		top := len(stack) - 1
		if s, ok := tok.(string); ok && top >= 0 && stack[top].key {
			if stack[top].seen[s] {
				return true
			}
			stack[top].seen[s], stack[top].key = true, false
			continue
		}
		if top >= 0 && stack[top].object {
			stack[top].key = true
		}
		switch tok {
		case json.Delim('{'):
			stack = append(stack, level{object: true, key: true, seen: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:top]
			if top > 0 && stack[top-1].object {
				stack[top-1].key = true
			}
		}
	}
}
