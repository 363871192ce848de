package quant

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTypesAreThoseOfTheFormat(t *testing.T) {
	var got []string
	for _, ty := range Types() {
		got = append(got, ty.String())
	}
	want := strings.Fields(`F32 F16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q8_1 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K
		IQ2_XXS IQ2_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ2_S IQ4_XS I8 I16 I32 I64 F64 IQ1_M BF16 TQ1_0 TQ2_0 MXFP4 NVFP4`)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestUnknownTypes(t *testing.T) {
	for _, ty := range []Type{4, 5, 31, 32, 33, 36, 37, 38, 41, 133, math.MaxUint32} {
		if ty.Known() || ty.Blocked() || ty.HasMin() || CanQuantize(ty) || ty.BlockElems() != 0 || ty.BlockBytes() != 0 {
			t.Errorf("%s counts as known", ty)
		}
		if _, err := ty.RowBytes(256); !errors.Is(err, ErrUnknownType) {
			t.Errorf("RowBytes of %s: %v, want ErrUnknownType", ty, err)
		}
		if err := Dequantize(ty, nil, nil); !errors.Is(err, ErrUnknownType) {
			t.Errorf("Dequantize of %s: %v, want ErrUnknownType", ty, err)
		}
		if err := Unpack(ty, nil, nil, nil, nil); err == nil {
			t.Errorf("Unpack of %s: no error", ty)
		}
	}
	if s := Type(4).String(); s != "Type(4)" {
		t.Errorf("String of an unknown type is %q", s)
	}
}

func TestParse(t *testing.T) {
	for _, ty := range Types() {
		for _, name := range []string{ty.String(), strings.ToLower(ty.String())} {
			if got, err := Parse(name); err != nil || got != ty {
				t.Errorf("Parse(%q) = %s, %v", name, got, err)
			}
		}
	}
	for _, name := range []string{"", "Q4", "Q4_K_M", "Type(4)"} {
		if _, err := Parse(name); !errors.Is(err, ErrUnknownType) {
			t.Errorf("Parse(%q): %v, want ErrUnknownType", name, err)
		}
	}
}

func TestRowBytes(t *testing.T) {
	f := func(ty Type, cols, want int) {
		t.Helper()
		if got, err := ty.RowBytes(cols); err != nil || got != want {
			t.Errorf("%s.RowBytes(%d) = %d, %v; want %d", ty, cols, got, err, want)
		}
	}
	f(F32, 0, 0)
	f(F32, 3, 12)
	f(Q4_0, 64, 36)
	f(Q4_K, 4096, 2304)
	f(NVFP4, 64, 36)
	f(Q8_0, 32, 34)

	bad := func(ty Type, cols int) {
		t.Helper()
		if got, err := ty.RowBytes(cols); err == nil {
			t.Errorf("%s.RowBytes(%d) = %d, want an error", ty, cols, got)
		}
	}
	bad(Q4_0, 31)
	bad(Q4_K, 128)
	bad(NVFP4, 32)
	bad(F32, -1)
	bad(Q4_0, -32)
	bad(F32, math.MaxInt/4+1)
	bad(F64, math.MaxInt)
	bad(Q8_0, math.MaxInt&^31)
}
