package grammar

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// maxPlaces bounds the digits of a number in a schema once its exponent is
// written out. The largest double has 309.
const maxPlaces = 400

// A decimalNum is a number as a sign and digits.
type decimalNum struct {
	neg   bool
	whole string // "0", or without a leading zero
	frac  string // without a trailing zero
}

// parseDecimal reads a JSON number.
func parseDecimal(s string) (*decimalNum, error) {
	d := &decimalNum{}
	rest, neg := strings.CutPrefix(s, "-")
	d.neg = neg
	mantissa, exp := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		e, err := strconv.Atoi(rest[i+1:])
		if err != nil || e > maxPlaces || e < -maxPlaces {
			return nil, fmt.Errorf("the number %s is beyond 1e%d", s, maxPlaces)
		}
		mantissa, exp = rest[:i], e
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if len(whole)+len(frac) > maxPlaces {
		return nil, fmt.Errorf("the number %.20s... has more than %d digits", s, maxPlaces)
	}
	for ; exp > 0; exp-- {
		if frac == "" {
			frac = "0"
		}
		whole, frac = whole+frac[:1], frac[1:]
	}
	for ; exp < 0; exp++ {
		if whole == "" {
			whole = "0"
		}
		whole, frac = whole[:len(whole)-1], whole[len(whole)-1:]+frac
	}
	d.whole = strings.TrimLeft(whole, "0")
	if d.whole == "" {
		d.whole = "0"
	}
	d.frac = strings.TrimRight(frac, "0")
	if d.whole == "0" && d.frac == "" {
		d.neg = false
	}
	return d, nil
}

// rat is the exact value.
func (d *decimalNum) rat() *big.Rat {
	r, _ := new(big.Rat).SetString(d.text())
	return r
}

func (d *decimalNum) text() string {
	s := d.whole
	if d.neg {
		s = "-" + s
	}
	if d.frac != "" {
		s += "." + d.frac
	}
	return s
}

// decimalOf writes a number that has finitely many digits.
func decimalOf(r *big.Rat) (*decimalNum, bool) {
	places := 0
	scaled := new(big.Rat).Set(r)
	ten := big.NewRat(10, 1)
	for ; !scaled.IsInt() && places < maxPlaces; places++ {
		scaled.Mul(scaled, ten)
	}
	if !scaled.IsInt() {
		return nil, false
	}
	d, err := parseDecimal(r.FloatString(places))
	return d, err == nil
}
