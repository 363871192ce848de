package value

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbers(t *testing.T) {
	f := func(text, python, serde, both string) {
		t.Helper()
		for i, want := range []string{python, serde, both} {
			if got := Floats(i).Number(text); got != want {
				t.Errorf("%s in way %d: got %s, want %s", text, i, got, want)
			}
		}
	}
	f("1", "1", "1", "1")
	f("-0", "0", "-0.0", "-0.0")
	f("-0.0", "-0.0", "-0.0", "-0.0")
	f("1e-05", "1e-05", "0.00001", "1e-05")
	f("1.5e-5", "1.5e-05", "0.000015", "1.5e-05")
	f("1e-6", "1e-06", "1e-6", "1e-06")
	f("0.0001", "0.0001", "0.0001", "0.0001")
	f("1E3", "1000.0", "1000.0", "1000.0")
	f("1e15", "1000000000000000.0", "1000000000000000.0", "1000000000000000.0")
	f("1e16", "1e+16", "1e+16", "1e+16")
	f("1.5e300", "1.5e+300", "1.5e+300", "1.5e+300")
	f("5e-324", "5e-324", "5e-324", "5e-324")
	f("18446744073709551615", "18446744073709551615", "18446744073709551615", "18446744073709551615")
	f("100000000000000000000000", "100000000000000000000000", "1e+23", "1e+23")
	f("NaN", "NaN", "NaN", "NaN")
	f("1e400", "Infinity", "Infinity", "Infinity")
}

func TestParse(t *testing.T) {
	f := func(text, python, serde string) {
		t.Helper()
		for i, want := range []string{python, serde} {
			v, err := Rules{Python: i == 0}.Parse(text)
			got := "error"
			if err == nil {
				got = Style{}.Print(&v)
			}
			if got != want {
				t.Errorf("%s with rules %d: got %s, want %s", text, i, got, want)
			}
		}
	}
	same := func(text, want string) { t.Helper(); f(text, want, want) }
	same(` { "b" : [ 1 , 2.50 ] , "a" : null } `, `{"b": [1, 2.5], "a": null}`)
	same(`{"a":1,"b":2,"a":"x"}`, `{"a": "x", "b": 2}`)
	same(`"\u00e9\ud83d\ude00\/\b\u0001<&>"`, `"é😀/\b\u0001<&>"`)
	f(`"\ud83d"`, `"�"`, "error")
	f(`"\ud83dx"`, `"�x"`, "error")
	f(`"\ud83d\u0041"`, `"�A"`, "error")
	f(`[NaN, Infinity, -Infinity]`, `[NaN, Infinity, -Infinity]`, "error")
	f(`1e999`, `Infinity`, "error")
	f(strings.Repeat("[", 127)+strings.Repeat("]", 127), strings.Repeat("[", 127)+strings.Repeat("]", 127), strings.Repeat("[", 127)+strings.Repeat("]", 127))
	f(strings.Repeat("[", 128)+strings.Repeat("]", 128), strings.Repeat("[", 128)+strings.Repeat("]", 128), "error")
	for _, bad := range []string{
		"", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "01", "1.", ".5", "+1", "1e", "-", "tru", "\"\n\"", `"\x"`, `"\u12"`, `"abc`,
		"1 2", "[1 2]", `{"a":1 "b":2}`, strings.Repeat("[", 1e6),
	} {
		same(bad, "error")
	}
}

// TestLikeStandardLibrary compares what both accept, and the values of strings.
func TestLikeStandardLibrary(t *testing.T) {
	piece := rapid.SampledFrom([]string{"{", "}", "[", "]", ",", ":", `"a"`, `"\n"`, "1", "-2.5e3", "true", "null", " ", "0", "\t", `"é"`})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 9).Draw(t, "text"), "")
		v, err := Rules{}.Parse(text)
		if ok := json.Valid([]byte(text)); ok != (err == nil) {
			t.Fatalf("%s: valid %v, error %v", text, ok, err)
		}
		if err != nil {
			return
		}
		again, err := Rules{}.Parse(Style{}.Print(&v))
		if err != nil || (Style{}).Print(&again) != (Style{}).Print(&v) {
			t.Fatalf("%s: printed as %s, which reads as %v %v", text, Style{}.Print(&v), again, err)
		}
	})
}

func TestIndent(t *testing.T) {
	v, _ := Rules{}.Parse(`{"a":[1,{}],"b":[]}`)
	want := "{\n    \"a\": [\n        1,\n        {}\n    ],\n    \"b\": []\n}"
	if got := (Style{Indent: 4}).Print(&v); got != want {
		t.Errorf("got %s", got)
	}
	if got := (Style{Compact: true}).Print(&v); got != `{"a":[1,{}],"b":[]}` {
		t.Errorf("compact: got %s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"a": [1, "x\u0041", -1.5e-7]}`)
	f.Add(`"\ud83d\ude00"`)
	f.Add(`[[[[`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range []Rules{{}, {Python: true}} {
			v, err := r.Parse(text)
			if err != nil {
				continue
			}
			for _, s := range []Style{{}, {Compact: true}, {Indent: 2}, {Floats: SerdeFloats}} {
				if _, err := (Rules{Python: true}).Parse(s.Print(&v)); err != nil {
					t.Fatalf("%q printed as %q: %v", text, s.Print(&v), err)
				}
			}
		}
	})
}
