package jinja

import (
	"fmt"
	"strings"
	"time"
)

// maxFormat bounds the format of strftime_now.
const maxFormat = 1 << 10

// directives are strftime's, in the C locale.
var directives = map[byte]func(t time.Time) string{
	'a': func(t time.Time) string { return t.Format("Mon") },
	'A': func(t time.Time) string { return t.Format("Monday") },
	'b': func(t time.Time) string { return t.Format("Jan") },
	'B': func(t time.Time) string { return t.Format("January") },
	'c': func(t time.Time) string { return t.Format("Mon Jan _2 15:04:05 2006") },
	'C': func(t time.Time) string { return fmt.Sprintf("%02d", t.Year()/100) },
	'd': func(t time.Time) string { return t.Format("02") },
	'D': func(t time.Time) string { return t.Format("01/02/06") },
	'e': func(t time.Time) string { return t.Format("_2") },
	'f': func(t time.Time) string { return fmt.Sprintf("%06d", t.Nanosecond()/1000) },
	'F': func(t time.Time) string { return t.Format("2006-01-02") },
	'g': func(t time.Time) string { y, _ := t.ISOWeek(); return fmt.Sprintf("%02d", y%100) },
	'G': func(t time.Time) string { y, _ := t.ISOWeek(); return fmt.Sprintf("%04d", y) },
	'h': func(t time.Time) string { return t.Format("Jan") },
	'H': func(t time.Time) string { return t.Format("15") },
	'I': func(t time.Time) string { return t.Format("03") },
	'j': func(t time.Time) string { return fmt.Sprintf("%03d", t.YearDay()) },
	'k': func(t time.Time) string { return fmt.Sprintf("%2d", t.Hour()) },
	'l': func(t time.Time) string { return fmt.Sprintf("%2d", (t.Hour()+11)%12+1) },
	'm': func(t time.Time) string { return t.Format("01") },
	'M': func(t time.Time) string { return t.Format("04") },
	'n': func(time.Time) string { return "\n" },
	'p': func(t time.Time) string { return t.Format("PM") },
	'P': func(t time.Time) string { return t.Format("pm") },
	'r': func(t time.Time) string { return t.Format("03:04:05 PM") },
	'R': func(t time.Time) string { return t.Format("15:04") },
	's': func(t time.Time) string { return fmt.Sprint(t.Unix()) },
	'S': func(t time.Time) string { return t.Format("05") },
	't': func(time.Time) string { return "\t" },
	'T': func(t time.Time) string { return t.Format("15:04:05") },
	'u': func(t time.Time) string { return fmt.Sprint((int(t.Weekday())+6)%7 + 1) },
	'U': func(t time.Time) string { return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7) },
	'V': func(t time.Time) string { _, w := t.ISOWeek(); return fmt.Sprintf("%02d", w) },
	'w': func(t time.Time) string { return fmt.Sprint(int(t.Weekday())) },
	'W': func(t time.Time) string { return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7) },
	'x': func(t time.Time) string { return t.Format("01/02/06") },
	'X': func(t time.Time) string { return t.Format("15:04:05") },
	'y': func(t time.Time) string { return t.Format("06") },
	'Y': func(t time.Time) string { return fmt.Sprint(t.Year()) },
	'z': func(time.Time) string { return "" }, // the reference's clock has no zone
	'Z': func(time.Time) string { return "" },
	'%': func(time.Time) string { return "%" },
}

// strftime formats a time. A minus after the percent sign drops padding, as
// glibc does; unknown directives stay as they are.
func strftime(t time.Time, format string) (string, error) {
	if len(format) > maxFormat {
		return "", errorf(KindLimit, "a time format of %d bytes: at most %d are allowed", len(format), maxFormat)
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 >= len(format) {
			b.WriteByte(format[i])
			continue
		}
		j := i + 1
		flag := byte(0)
		if strings.IndexByte("-_0^#", format[j]) >= 0 && j+1 < len(format) {
			flag = format[j]
			j++
		}
		f := directives[format[j]]
		if f == nil || flag != 0 && format[j] == 'f' {
			b.WriteString(format[i : j+1])
			i = j
			continue
		}
		b.WriteString(flagged(f(t), flag, format[j]))
		i = j
	}
	return b.String(), nil
}

// flagged applies a flag: a minus drops padding, an underscore pads with spaces,
// a caret makes letters capital.
func flagged(s string, flag, directive byte) string {
	number := strings.IndexByte("CdegGHIjklmMSUuVwWyY", directive) >= 0
	switch {
	case flag == '-' && number:
		if trimmed := strings.TrimLeft(s, "0 "); trimmed != "" {
			return trimmed
		}
		return "0"
	case flag == '_' && number:
		return padBlank(s)
	case flag == '^' && directive != 'P':
		return strings.ToUpper(s)
	}
	return s
}

// padBlank replaces the zeros in front of a number by spaces.
func padBlank(s string) string {
	n := len(s) - len(strings.TrimLeft(s, "0"))
	n = min(n, len(s)-1)
	return strings.Repeat(" ", max(n, 0)) + s[max(n, 0):]
}
