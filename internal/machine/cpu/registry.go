package cpu

import (
	"fmt"
	"slices"
	"strings"
)

// An Impl is one accelerated implementation of a kernel family. The portable
// Go code is never listed: it is what runs when every Impl is off.
type Impl struct {
	Name      string // the tier, such as "avx2"; several packages may use one name
	Supported bool   // by this machine; fixed at start
	Verified  bool   // its tests have passed on some machine; if not, it must be forced
	on        *bool  // read by the dispatching function
}

// On reports whether the implementation runs now.
func (im Impl) On() bool { return *im.on }

// best is whether the implementation runs when nothing was forced.
func (im Impl) best() bool { return im.Supported && im.Verified }

var impls []Impl

// tiers lists the names in rising order. Force(name) leaves on what is not
// above name. A name of another architecture is never supported here, so one
// list serves all.
var tiers = []string{
	"avx2",       // AVX2, FMA, F16C
	"avxvnni",    // the VEX form of VPDPBUSD: AVX2 machines of 2021 and later
	"avx512",     // AVX-512 F, BW, DQ, VL
	"avx512vnni", // avx512 and VNNI
	"avx512bf16", // avx512vnni and BF16
	"amx",        // tiles with int8 and bf16 products
	"neon",
	"dotprod",
	"i8mm",
	"sve",
	"rvv",
	"lsx",
	"lasx",
}

// Register adds an implementation. on must hold whether the machine supports
// it, and the dispatcher must obey it alone: turning one Impl off may not turn
// another off with it. Call it from init functions only.
func Register(name string, on *bool) {
	register(Impl{Name: name, Supported: *on, Verified: true, on: on})
}

// RegisterUnverified adds an implementation whose tests have not passed on any
// machine yet. It starts off, whatever the machine supports, and runs only
// when Force or Only names its tier.
func RegisterUnverified(name string, on *bool) {
	register(Impl{Name: name, Supported: *on, on: on})
	*on = false
}

// Verify says that the tests of the named tiers have passed on this machine, so
// that the next Force may turn on what was registered as unverified. Names that
// nothing was registered for are ignored: they come from a file.
func Verify(names ...string) {
	for i := range impls {
		if slices.Contains(names, impls[i].Name) {
			impls[i].Verified = true
		}
	}
}

func register(im Impl) {
	if !slices.Contains(tiers, im.Name) {
		panic("cpu: unknown tier " + im.Name)
	}
	impls = append(impls, im)
}

// Impls returns every registered implementation, supported or not.
func Impls() []Impl { return slices.Clone(impls) }

// Tiers returns the names of the registered implementations that this machine
// supports, each once, in rising order.
func Tiers() []string {
	var have []string
	for _, name := range tiers {
		if supported(name) {
			have = append(have, name)
		}
	}
	return have
}

func supported(name string) bool {
	return slices.ContainsFunc(impls, func(im Impl) bool {
		return im.Supported && im.Name == name
	})
}

// Only leaves the implementations with the given name on and turns all others
// off; the empty name leaves only the portable code. It reports whether the
// machine can run them. The returned func undoes the call. For tests: it is
// not safe while kernels run.
func Only(name string) (ok bool, restore func()) {
	before := make([]bool, len(impls))
	ok = name == ""
	for i, im := range impls {
		before[i] = *im.on
		*im.on = im.Supported && im.Name == name
		ok = ok || *im.on
	}
	return ok, func() {
		for i, on := range before {
			*impls[i].on = on
		}
	}
}

// Force chooses the implementations that run from now on. "" is the best that
// the machine has, "portable" none, and the name of a tier leaves that tier and
// all below it on. An unverified implementation runs only if it is of the named
// tier. The error names what the machine has. Call it before any kernel runs.
func Force(tier string) error {
	switch tier {
	case "":
		for _, im := range impls {
			*im.on = im.best()
		}
		return nil
	case "portable":
		for _, im := range impls {
			*im.on = false
		}
		return nil
	}
	if !supported(tier) {
		have := append([]string{"portable"}, Tiers()...)
		return fmt.Errorf("cpu: no kernels of tier %q on this machine; it has %s",
			tier, strings.Join(have, ", "))
	}
	top := slices.Index(tiers, tier)
	for _, im := range impls {
		below := im.Verified && slices.Index(tiers, im.Name) <= top
		*im.on = im.Supported && (below || im.Name == tier)
	}
	return nil
}
