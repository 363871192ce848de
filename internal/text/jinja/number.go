package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxIntDigits is Python's limit on converting integers to and from text.
const maxIntDigits = 4300

// maxIntBits bounds what arithmetic may produce; it is beyond what can be printed.
const maxIntBits = 1 << 16

// floatRepr writes a float as Python does: the shortest digits that give the
// same number, an exponent below 1e-4 and from 1e16 on, and always a mark that
// it is no integer.
func floatRepr(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= 16 {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// isInt reports whether v is a Python int, which includes bool.
func isInt(v Value) bool {
	switch v.(type) {
	case bool, int64, *big.Int:
		return true
	}
	return false
}

func isNumber(v Value) bool {
	_, f := v.(float64)
	return f || isInt(v)
}

// toBig returns an integer value as a big integer.
func toBig(v Value) *big.Int {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewInt(1)
		}
		return new(big.Int)
	case int64:
		return big.NewInt(v)
	case *big.Int:
		return v
	}
	return new(big.Int)
}

// toFloat returns a number as a float.
func toFloat(v Value) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	}
	f, _ := new(big.Float).SetInt(toBig(v)).Float64()
	if math.IsInf(f, 0) {
		return 0, valueErrorf("int too large to convert to float")
	}
	return f, nil
}

// index returns an integer for positions and counts: int and bool only, cut to
// the range of int64.
func index(v Value) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	case *big.Int:
		if v.Sign() < 0 {
			return math.MinInt64, true
		}
		return math.MaxInt64, true
	}
	return 0, false
}

func unsupported(op string, l, r Value) error {
	return typeErrorf("unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(l), typeName(r))
}

// arith computes l op r for two numbers.
func arith(op string, l, r Value) (Value, error) {
	if isInt(l) && isInt(r) {
		return intArith(op, l, r)
	}
	a, err := toFloat(l)
	if err != nil {
		return nil, err
	}
	b, err := toFloat(r)
	if err != nil {
		return nil, err
	}
	return floatArith(op, a, b)
}

func intArith(op string, l, r Value) (Value, error) {
	if a, ok := l.(int64); ok {
		if b, ok := r.(int64); ok {
			if v, ok := smallArith(op, a, b); ok {
				return v, nil
			}
		}
	}
	a, b := toBig(l), toBig(r)
	if a.BitLen()+b.BitLen() > maxIntBits {
		return nil, errorf(KindLimit, "integers of more than %d bits", maxIntBits)
	}
	switch op {
	case "+":
		return normInt(new(big.Int).Add(a, b)), nil
	case "-":
		return normInt(new(big.Int).Sub(a, b)), nil
	case "*":
		return normInt(new(big.Int).Mul(a, b)), nil
	case "**":
		return intPow(a, b)
	}
	if b.Sign() == 0 {
		msg := map[string]string{"/": "division by zero", "//": "integer division or modulo by zero", "%": "integer modulo by zero"}[op]
		return nil, errorf(KindZero, "%s", msg)
	}
	if op == "/" {
		f, _ := new(big.Rat).SetFrac(a, b).Float64()
		if math.IsInf(f, 0) {
			return nil, valueErrorf("integer division result too large for a float")
		}
		return f, nil
	}
	// big.Int's DivMod rounds so that the remainder is not negative; Python's
	// remainder has the divisor's sign.
	q, m := new(big.Int).QuoRem(a, b, new(big.Int))
	if m.Sign() != 0 && m.Sign() != b.Sign() {
		q.Sub(q, big.NewInt(1))
		m.Add(m, b)
	}
	if op == "//" {
		return normInt(q), nil
	}
	return normInt(m), nil
}

// smallArith is the common case without overflow.
func smallArith(op string, a, b int64) (Value, bool) {
	const half = 1 << 31
	switch op {
	case "+":
		c := a + b
		return c, (c > a) == (b > 0)
	case "-":
		c := a - b
		return c, (c < a) == (b > 0)
	case "*":
		return a * b, a > -half && a < half && b > -half && b < half
	case "%":
		if b > 0 && a >= 0 {
			return a % b, true
		}
	}
	return nil, false
}

func intPow(a, b *big.Int) (Value, error) {
	if b.Sign() < 0 {
		if a.Sign() == 0 {
			return nil, errorf(KindZero, "0.0 cannot be raised to a negative power")
		}
		x, _ := new(big.Float).SetInt(a).Float64()
		y, _ := new(big.Float).SetInt(b).Float64()
		return floatArith("**", x, y)
	}
	if a.BitLen() > 1 && (!b.IsInt64() || b.Int64() > maxIntBits/int64(a.BitLen())) {
		return nil, errorf(KindLimit, "a power of more than %d bits", maxIntBits)
	}
	if !b.IsInt64() { // 0, 1 and -1
		b = new(big.Int).SetBit(big.NewInt(2), 0, b.Bit(0))
	}
	if a.BitLen() <= 1 && b.BitLen() > 2 { // the parity alone counts
		b = new(big.Int).SetBit(big.NewInt(2), 0, b.Bit(0))
	}
	return normInt(new(big.Int).Exp(a, b, nil)), nil
}

func floatArith(op string, a, b float64) (Value, error) {
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "**":
		return floatPow(a, b)
	}
	if b == 0 {
		msg := map[string]string{"/": "float division by zero", "//": "float floor division by zero", "%": "float modulo"}[op]
		return nil, errorf(KindZero, "%s", msg)
	}
	if op == "/" {
		return a / b, nil
	}
	mod := math.Mod(a, b)
	div := (a - mod) / b
	if mod != 0 && (b < 0) != (mod < 0) {
		mod += b
		div--
	}
	if mod == 0 {
		mod = math.Copysign(0, b)
	}
	if op == "%" {
		return mod, nil
	}
	if div == 0 {
		return math.Copysign(0, a/b), nil
	}
	floor := math.Floor(div)
	if div-floor > 0.5 {
		floor++
	}
	return floor, nil
}

func floatPow(a, b float64) (Value, error) {
	if a == 0 && b < 0 {
		return nil, errorf(KindZero, "0.0 cannot be raised to a negative power")
	}
	if a < 0 && b != math.Trunc(b) && !math.IsInf(b, 0) {
		return nil, typeErrorf("complex numbers are not supported: %s ** %s", floatRepr(a), floatRepr(b))
	}
	c := math.Pow(a, b)
	if math.IsInf(c, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return nil, valueErrorf("numerical result out of range: %s ** %s", floatRepr(a), floatRepr(b))
	}
	return c, nil
}

// floatToInt cuts a float to an integer.
func floatToInt(f float64) (Value, error) {
	switch {
	case math.IsNaN(f):
		return nil, valueErrorf("cannot convert float NaN to integer")
	case math.IsInf(f, 0):
		return nil, valueErrorf("cannot convert float infinity to integer")
	}
	b, _ := big.NewFloat(f).Int(nil)
	return normInt(b), nil
}

// roundFloat rounds to a number of decimals, half to even on the exact value.
func roundFloat(f float64, places int64) float64 {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0) || places > 400:
		return f
	case places < -310:
		return math.Copysign(0, f)
	case places >= 0:
		r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(places), 64), 64)
		return r
	}
	p := math.Pow(10, float64(-places))
	return math.RoundToEven(f/p) * p
}

// roundInt rounds an integer to a negative number of places, half to even.
func roundInt(v Value, places int64) Value {
	if places >= 0 {
		return normInt(toBig(v))
	}
	if places < -maxIntDigits {
		return int64(0)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(-places), nil)
	q, m := new(big.Int).DivMod(toBig(v), unit, new(big.Int))
	m.Lsh(m, 1)
	if c := m.Cmp(unit); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return normInt(q.Mul(q, unit))
}
