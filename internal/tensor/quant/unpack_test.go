package quant

import (
	"math"
	"testing"
)

// unpacked is what Unpack gives for src.
type unpacked struct {
	q          []int8
	scale, min []float32
}

func mustUnpack(t testing.TB, ty Type, src []byte) unpacked {
	t.Helper()
	n := len(src) / ty.BlockBytes() * ty.BlockElems()
	u := unpacked{make([]int8, n), make([]float32, n/GroupElems), make([]float32, n/GroupElems)}
	for i := range u.min {
		u.min[i] = 99 // must be overwritten
		u.scale[i] = 99
	}
	for i := range u.q {
		u.q[i] = 99
	}
	if err := Unpack(ty, src, u.q, u.scale, u.min); err != nil {
		t.Fatal(err)
	}
	return u
}

// agree reports the first element for which scale*q+min, computed in float64
// and so in effect in real arithmetic, does not round to y. It returns -1 if
// there is none.
func (u *unpacked) agree(y []float32) int {
	for i, want := range y {
		s, m := float64(u.scale[i/GroupElems]), float64(u.min[i/GroupElems])
		got := float32(s*float64(u.q[i]) + m)
		if got != want && canonical(got) != canonical(want) {
			return i
		}
	}
	return -1
}

func TestUnpackAgreesWithOutsideValues(t *testing.T) {
	for _, ty := range blockTypes() {
		v := readVector(t, ty)
		want := make([]float32, len(v.values))
		for i, b := range v.values {
			want[i] = math.Float32frombits(b)
		}
		u := mustUnpack(t, ty, v.blocks)
		if i := u.agree(want); i >= 0 {
			t.Errorf("%s: element %d is %g*%d+%g, want %g", ty, i, u.scale[i/GroupElems], u.q[i], u.min[i/GroupElems], want[i])
		}
		for i, m := range u.min {
			if !ty.HasMin() && m != 0 {
				t.Errorf("%s has no mins but gives %g in group %d", ty, m, i)
			}
		}
	}
}

// Products of a code and a scale must not round in float32: then it does not
// matter whether a kernel fuses the multiplication with the addition.
func TestUnpackedProductsAreExact(t *testing.T) {
	for _, ty := range blockTypes() {
		if ty == Q8_K { // whose scale is a float32 of any precision
			continue
		}
		u := mustUnpack(t, ty, splitmix(uint64(ty), 2048*ty.BlockBytes()))
		for i, q := range u.q {
			s := u.scale[i/GroupElems]
			exact := float64(s) * float64(q)
			if math.Abs(exact) > math.MaxFloat32 || exact != exact {
				continue // an infinite scale, or the largest ones of MXFP4
			}
			if float64(s*float32(q)) != exact {
				t.Errorf("%s: %g*%d rounds", ty, s, q)
				break
			}
		}
	}
}

func TestUnpackedCodesStayInRange(t *testing.T) {
	for _, ty := range blockTypes() {
		if ty == Q8_0 || ty == Q8_1 || ty == Q8_K {
			continue
		}
		for i, q := range mustUnpack(t, ty, splitmix(uint64(ty), 2048*ty.BlockBytes())).q {
			if q == -128 {
				t.Errorf("%s: code -128 at %d", ty, i)
				break
			}
		}
	}
}

func TestUnpackAndDequantizeRefuseWrongLengths(t *testing.T) {
	for _, ty := range blockTypes() {
		n, size := ty.BlockElems(), ty.BlockBytes()
		f := func(src, q, scale, min int) {
			t.Helper()
			err := Unpack(ty, make([]byte, src), make([]int8, q), make([]float32, scale), make([]float32, min))
			if err == nil {
				t.Errorf("%s: no error for lengths %d %d %d %d", ty, src, q, scale, min)
			}
		}
		g := n / GroupElems
		f(size-1, n, g, g)
		f(size, n-1, g, g)
		f(size, n, g-1, g)
		f(size, n, g, g+1)
		f(2*size, n, g, g)
		err := Unpack(ty, make([]byte, size), make([]int8, n), make([]float32, g), nil)
		if (err != nil) != ty.HasMin() {
			t.Errorf("%s without mins: %v", ty, err)
		}
		if err := Unpack(ty, nil, nil, nil, nil); err != nil {
			t.Errorf("%s: no blocks at all: %v", ty, err)
		}
		if Dequantize(ty, make([]float32, n), make([]byte, size-1)) == nil ||
			Dequantize(ty, make([]float32, n-1), make([]byte, size)) == nil {
			t.Errorf("%s: Dequantize takes wrong lengths", ty)
		}
	}
	if err := Unpack(F16, make([]byte, 32), make([]int8, 16), make([]float32, 1), nil); err == nil {
		t.Error("Unpack of F16: no error")
	}
}

func TestDequantizePlainNumbers(t *testing.T) {
	f := func(ty Type, src string, want float32) {
		t.Helper()
		got := make([]float32, 1)
		if err := Dequantize(ty, got, []byte(src)); err != nil || got[0] != want {
			t.Errorf("%s of %q is %g, %v; want %g", ty, src, got[0], err, want)
		}
	}
	f(F32, "\x00\x00\x20\xc0", -2.5)
	f(F16, "\x00\xc1", -2.5)
	f(BF16, "\x20\xc0", -2.5)
	f(F64, "\x00\x00\x00\x00\x00\x00\x04\xc0", -2.5)
	f(I8, "\x80", -128)
	f(I16, "\x00\x80", -32768)
	f(I32, "\xff\xff\xff\xff", -1)
	f(I64, "\xfe\xff\xff\xff\xff\xff\xff\xff", -2)
	f(I64, "\x00\x00\x00\x00\x01\x00\x00\x00", 1<<32)
}

func FuzzUnpack(f *testing.F) {
	for _, ty := range blockTypes() {
		f.Add(uint32(ty), readVector(f, ty).blocks)
	}
	f.Add(uint32(F16), []byte{1, 2, 3})
	f.Add(uint32(4), []byte{})
	f.Fuzz(func(t *testing.T, id uint32, src []byte) {
		ty := Type(id)
		if !ty.Blocked() {
			n := len(src) / max(1, ty.BlockBytes())
			err := Dequantize(ty, make([]float32, n), src)
			if ok := ty.Known() && len(src)%ty.BlockBytes() == 0; ok != (err == nil) {
				t.Fatalf("%s of %d bytes: %v", ty, len(src), err)
			}
			return
		}
		src = src[:len(src)/ty.BlockBytes()*ty.BlockBytes()]
		u := mustUnpack(t, ty, src)
		if i := u.agree(mustDequantize(t, ty, src)); i >= 0 {
			t.Fatalf("%s: element %d differs", ty, i)
		}
	})
}

func TestDecodingDoesNotAllocate(t *testing.T) {
	for _, ty := range blockTypes() {
		n := 2 * superBlock
		src := splitmix(1, n/ty.BlockElems()*ty.BlockBytes())
		dst, q := make([]float32, n), make([]int8, n)
		scale, mins := make([]float32, n/GroupElems), make([]float32, n/GroupElems)
		got := testing.AllocsPerRun(10, func() {
			if Dequantize(ty, dst, src) != nil || Unpack(ty, src, q, scale, mins) != nil {
				t.Error(ty)
			}
		})
		if got != 0 {
			t.Errorf("%s: %g allocations", ty, got)
		}
	}
}
