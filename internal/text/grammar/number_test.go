package grammar

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNumberRanges compares the automaton of a range with exact arithmetic.
func TestNumberRanges(t *testing.T) {
	decimal := rapid.Custom(func(t *rapid.T) string {
		s := fmt.Sprint(rapid.IntRange(0, 2200).Draw(t, "whole"))
		if rapid.Bool().Draw(t, "fraction") {
			s += "." + fmt.Sprintf("%0*d", rapid.IntRange(1, 3).Draw(t, "places"), rapid.IntRange(0, 9).Draw(t, "frac"))
		}
		if rapid.Bool().Draw(t, "negative") && strings.Trim(s, "0.") != "" {
			s = "-" + s
		}
		return s
	})
	tb := t
	rapid.Check(t, func(t *rapid.T) {
		r := numberRange{integer: rapid.Bool().Draw(t, "integer")}
		limit := func(name string) *big.Rat {
			x, _ := new(big.Rat).SetString(decimal.Draw(t, name))
			return x
		}
		if rapid.Bool().Draw(t, "has min") {
			r.min, r.minOpen = limit("min"), rapid.Bool().Draw(t, "min open")
		}
		if rapid.Bool().Draw(t, "has max") {
			r.max, r.maxOpen = limit("max"), rapid.Bool().Draw(t, "max open")
		}
		if rapid.IntRange(0, 2).Draw(t, "has multiple") == 0 {
			r.multiple = rapid.SampledFrom([]*big.Rat{big.NewRat(1, 1), big.NewRat(7, 1), big.NewRat(1, 4), big.NewRat(1, 100), big.NewRat(3, 2)}).Draw(t, "multiple")
		}
		n, err := numberNode(newWork(), &r)
		if err != nil {
			t.Fatal(err)
		}
		g := newGrammar(n)
		empty := isEmpty(g.Check())
		if !empty && g.Check() != nil {
			t.Fatal(g.Check())
		}
		for range 20 {
			text := decimal.Draw(t, "number")
			v, err := numberValue(text)
			if err != nil {
				t.Fatal(err)
			}
			want := r.contains(v)
			if r.integer && strings.Contains(text, ".") {
				want = false // an integer is written without a point
			}
			if r.multiple != nil && strings.HasSuffix(text, "0") && strings.Contains(text, ".") {
				continue // zeros beyond the multiple's places are left out
			}
			if got := !empty && matches(tb, g, text); got != want {
				t.Fatalf("%+v on %s: %v", r, text, got)
			}
		}
	})
}

func TestDecimals(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		d, err := parseDecimal(s)
		if err != nil || d.text() != want {
			t.Errorf("%s: %v, %v, want %s", s, d, err, want)
		}
	}
	f("0", "0")
	f("-0.00", "0")
	f("1.50", "1.5")
	f("1e3", "1000")
	f("12.345E+1", "123.45")
	f("12.5e-4", "0.00125")
	f("-1E-2", "-0.01")
	f("1.7976931348623157e308", "17976931348623157"+strings.Repeat("0", 292))
	for _, s := range []string{"1e401", "1e-401", "1" + strings.Repeat("0", 500)} {
		if _, err := parseDecimal(s); err == nil {
			t.Errorf("%.10s: no error", s)
		}
	}
	if _, ok := decimalOf(big.NewRat(1, 3)); ok {
		t.Error("1/3 has digits without end")
	}
}
