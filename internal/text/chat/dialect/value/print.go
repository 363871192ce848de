package value

import (
	"math"
	"strconv"
	"strings"
)

// Style says how values are printed.
type Style struct {
	Floats  Floats
	Compact bool // no space after commas and colons
	Indent  int  // spaces of each level, one entry a line; 0 prints one line
}

// Floats says how numbers are printed.
type Floats uint8

// The ways of printing numbers. They differ in floats that need an exponent, in
// -0 and in integers beyond 64 bits.
const (
	// PythonFloats prints as Python reads and prints: 1e-05, and integers of any
	// size as they are.
	PythonFloats Floats = iota
	// SerdeFloats prints as serde_json does: 0.00001 and 1e-6; integers beyond
	// 64 bits are floats.
	SerdeFloats
	// SerdePythonFloats reads as serde_json does and prints floats as Python
	// does.
	SerdePythonFloats
	// AsWritten keeps the spelling.
	AsWritten
)

// Print returns v as text.
func (s Style) Print(v *Value) string {
	var b strings.Builder
	s.print(&b, v, 0)
	return b.String()
}

func (s Style) print(b *strings.Builder, v *Value, level int) {
	switch v.Kind {
	case Null:
		b.WriteString("null")
	case Bool:
		b.WriteString(strconv.FormatBool(v.Bool))
	case Number:
		b.WriteString(s.Floats.Number(v.Text))
	case String:
		b.WriteByte('"')
		b.WriteString(Escape(v.Text))
		b.WriteByte('"')
	case Array:
		b.WriteByte('[')
		for i := range v.Items {
			s.between(b, i, level+1)
			s.print(b, &v.Items[i], level+1)
		}
		s.end(b, len(v.Items), level)
		b.WriteByte(']')
	case Object:
		b.WriteByte('{')
		for i := range v.Fields {
			s.between(b, i, level+1)
			b.WriteByte('"')
			b.WriteString(Escape(v.Fields[i].Key))
			b.WriteString(`":`)
			if !s.Compact {
				b.WriteByte(' ')
			}
			s.print(b, &v.Fields[i].Value, level+1)
		}
		s.end(b, len(v.Fields), level)
		b.WriteByte('}')
	}
}

// between writes what comes before entry i.
func (s Style) between(b *strings.Builder, i, level int) {
	if i > 0 {
		b.WriteByte(',')
		if !s.Compact && s.Indent == 0 {
			b.WriteByte(' ')
		}
	}
	s.line(b, level)
}

// end writes what comes after the last of n entries.
func (s Style) end(b *strings.Builder, n, level int) {
	if n > 0 {
		s.line(b, level)
	}
}

func (s Style) line(b *strings.Builder, level int) {
	if s.Indent > 0 {
		b.WriteByte('\n')
		b.WriteString(strings.Repeat(" ", level*s.Indent))
	}
}

// Number prints a number that was read as text.
func (f Floats) Number(text string) string {
	if f == AsWritten {
		return text
	}
	if !strings.ContainsAny(text, ".eEIN") {
		if f == PythonFloats {
			if text == "-0" {
				return "0"
			}
			return text
		}
		if text != "-0" && fits64(text) {
			return text
		}
	}
	if strings.ContainsAny(text, "IN") {
		return text // NaN and the infinities are written as they were read
	}
	x, _ := strconv.ParseFloat(text, 64)
	switch {
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	}
	return f.float(x)
}

func fits64(text string) bool {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return true
	}
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

// float prints the shortest digits that give x again, without an exponent from
// 1e-4 (serde_json: 1e-5) up to, but not including, 1e16.
func (f Floats) float(x float64) string {
	s := strconv.FormatFloat(x, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exponent)
	least := -4
	if f == SerdeFloats {
		least = -5
	}
	if x == 0 || e >= least && e < 16 {
		s = strconv.FormatFloat(x, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	if f == SerdeFloats {
		if e > 0 {
			return mantissa + "e+" + strconv.Itoa(e)
		}
		return mantissa + "e" + strconv.Itoa(e)
	}
	return s // Go writes at least two digits of exponent, as Python does
}

// Escape returns s as it stands between the quotes of a JSON string. It keeps
// everything beyond ASCII, and "<", ">" and "&", as they are.
func Escape(s string) string {
	i := 0
	for i < len(s) && s[i] >= ' ' && s[i] != '"' && s[i] != '\\' {
		i++
	}
	if i == len(s) {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	b = append(b, s[:i]...)
	for ; i < len(s); i++ {
		b = appendEscaped(b, s[i])
	}
	return string(b)
}

func appendEscaped(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	if c < ' ' {
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(b, c)
}
