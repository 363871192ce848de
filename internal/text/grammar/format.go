package grammar

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// The formats of strings, each as a pattern for the whole text. They are
// narrower than the standards where those are loose: a year has four digits, a
// host's labels are short, a second is never the sixtieth.
const (
	dateYear  = `([0-9][0-9][0-9][1-9]|[0-9][0-9][1-9]0|[0-9][1-9]00|[1-9]000)`
	dateDay   = `((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))`
	leapYear  = `([0-9][0-9](0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)`
	date      = `(` + dateYear + `-` + dateDay + `|` + leapYear + `-02-29)`
	clock     = `([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])`
	octet     = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	ipv4      = octet + `(\.` + octet + `){3}`
	hextet    = `[0-9A-Fa-f]{1,4}`
	label     = `[A-Za-z0-9]{1,15}(-[A-Za-z0-9]{1,15}){0,2}`
	host      = label + `(\.` + label + `){0,2}`
	mailAtom  = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}"
	mail      = mailAtom + `(\.` + mailAtom + `){0,2}@` + label + `(\.` + label + `){1,2}`
	uuid      = `[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}`
	uriChar   = `([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})`
	uriString = `[A-Za-z][A-Za-z0-9+.-]{0,20}://` + host + `(:[1-9][0-9]{0,3})?(/` + uriChar + `*)*(\?(` + uriChar + `|[/?])*)?(#(` + uriChar + `|[/?])*)?`
)

var formats = map[string]string{
	"date":      date,
	"time":      clock,
	"date-time": date + `T` + clock,
	"email":     mail,
	"uuid":      uuid,
	"ipv4":      ipv4,
	"ipv6":      ipv6(),
	"hostname":  host,
	"uri":       uriString,
}

// ipv6 lists where the double colon may stand.
func ipv6() string {
	h := hextet
	alts := []string{
		`(` + h + `:){7}` + h, // all eight
		`(` + h + `:){6}` + ipv4,
	}
	for before := range 8 { // hextets before ::, and at most 7-before after it
		head := ``
		if before > 0 {
			head = h + fmt.Sprintf(`(:%s){%d}`, h, before-1)
		}
		tail := ``
		if after := 6 - before; after >= 0 {
			tail = fmt.Sprintf(`((%s:){0,%d}%s)?`, h, after, h)
			if after >= 1 {
				tail = fmt.Sprintf(`((%s:){0,%d}%s|(%s:){0,%d}%s)?`, h, after, h, h, after-1, ipv4)
			}
		}
		alts = append(alts, head+`::`+tail)
	}
	return strings.Join(alts, `|`)
}

var formatDFAs sync.Map // name -> *dfa

// formatDFA returns the automaton of a format over a string's text.
func formatDFA(name string) (*dfa, error) {
	if d, ok := formatDFAs.Load(name); ok {
		return d.(*dfa), nil
	}
	source, ok := formats[name]
	if !ok {
		names := make([]string, 0, len(formats))
		for n := range formats {
			names = append(names, n)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("the format %q is not supported; these are: %s", shorten(name), strings.Join(names, ", "))
	}
	p, err := parsePattern(source)
	if err != nil {
		return nil, err
	}
	d, err := toDFA(newWork(), p.whole(nil))
	if err != nil {
		return nil, err
	}
	formatDFAs.Store(name, d)
	return d, nil
}
