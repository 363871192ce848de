package cpu

import (
	"strings"
	"testing"
)

// withImpls replaces the registry for one test.
func withImpls(t *testing.T) {
	t.Helper()
	before := impls
	impls = nil
	t.Cleanup(func() { impls = before })
}

func TestOnly(t *testing.T) {
	withImpls(t)
	a, b, b2, c := true, true, true, false
	Register("avx2", &a)
	Register("avx512", &b)
	Register("avx512", &b2)
	Register("amx", &c)
	f := func(name string, wantOK bool, want ...bool) {
		t.Helper()
		ok, restore := Only(name)
		if ok != wantOK || a != want[0] || b != want[1] || b2 != want[2] || c != want[3] {
			t.Errorf("Only(%q) = %v with %v %v %v %v, want %v with %v", name, ok, a, b, b2, c, wantOK, want)
		}
		restore()
		if !a || !b || !b2 || c {
			t.Errorf("Only(%q): restore left %v %v %v %v", name, a, b, b2, c)
		}
	}
	f("", true, false, false, false, false)
	f("avx2", true, true, false, false, false)
	f("avx512", true, false, true, true, false)
	f("amx", false, false, false, false, false)
}

func TestForce(t *testing.T) {
	withImpls(t)
	a, b, u := true, true, true
	Register("avx2", &a)
	Register("avx512vnni", &b)
	RegisterUnverified("avxvnni", &u)
	if u {
		t.Error("an unverified implementation starts on")
	}
	f := func(tier string, want ...bool) {
		t.Helper()
		if err := Force(tier); err != nil {
			t.Fatalf("Force(%q): %v", tier, err)
		}
		if a != want[0] || u != want[1] || b != want[2] {
			t.Errorf("Force(%q) leaves %v %v %v, want %v", tier, a, u, b, want)
		}
	}
	f("portable", false, false, false)
	f("avx2", true, false, false)
	f("avxvnni", true, true, false)
	f("avx512vnni", true, false, true)
	f("", true, false, true)
	err := Force("amx")
	if err == nil || !strings.Contains(err.Error(), "portable, avx2, avxvnni, avx512vnni") {
		t.Errorf("Force of a missing tier says %v", err)
	}
	if !a || !b {
		t.Error("a failed Force changed what runs")
	}
}

func TestRegisterRefusesUnknownNames(t *testing.T) {
	withImpls(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	on := false
	Register("avx1024", &on)
}

func TestVerify(t *testing.T) {
	withImpls(t)
	u, lacking := true, false
	RegisterUnverified("avxvnni", &u)
	RegisterUnverified("amx", &lacking)
	if err := Force(""); err != nil || u {
		t.Fatalf("Force leaves an unverified tier %v, error %v", u, err)
	}
	Verify("avxvnni", "amx", "nonsense")
	if err := Force(""); err != nil || !u || lacking {
		t.Errorf("after Verify: %v and %v, error %v; want on, and off where the machine lacks it", u, lacking, err)
	}
}
