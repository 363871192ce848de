package num

import (
	"math"
	"math/rand/v2"
	"sort"
	"testing"
)

// valueOf computes what a bit pattern means straight from the definition of a
// floating point format, in float64, which holds all of them exactly.
func valueOf(sign, exp, man uint32, manBits, bias int) float64 {
	frac := float64(man) / float64(uint32(1)<<manBits)
	v := math.Ldexp(1+frac, int(exp)-bias)
	if exp == 0 {
		v = math.Ldexp(frac, 1-bias)
	}
	if sign != 0 {
		v = math.Copysign(v, -1)
	}
	return v
}

func same(a, b float32) bool {
	return a != a && b != b || math.Float32bits(a) == math.Float32bits(b)
}

func TestF16ToF32OfAllPatterns(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		sign, exp, man := uint32(h>>15), uint32(h>>10)&31, uint32(h)&0x3FF
		want := float32(valueOf(sign, exp, man, 10, 15))
		if exp == 31 && man == 0 {
			want = float32(math.Inf(1 - 2*int(sign)))
		} else if exp == 31 {
			want = float32(math.NaN())
		}
		got := F16ToF32(h)
		if got != got && math.Float32bits(got)>>22&1 == 0 {
			t.Fatalf("F16ToF32(%#04x) is a signalling NaN", h)
		}
		if !same(got, want) {
			t.Fatalf("F16ToF32(%#04x) = %g, want %g", h, got, want)
		}
	}
}

func TestBF16ToF32OfAllPatterns(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		sign, exp, man := uint32(h>>15), uint32(h>>7)&255, uint32(h)&0x7F
		want := float32(valueOf(sign, exp, man, 7, 127))
		if exp == 255 && man == 0 {
			want = float32(math.Inf(1 - 2*int(sign)))
		} else if exp == 255 {
			want = float32(math.NaN())
		}
		if got := BF16ToF32(h); !same(got, want) {
			t.Fatalf("BF16ToF32(%#04x) = %g, want %g", h, got, want)
		}
	}
}

func TestFP8OfAllPatterns(t *testing.T) {
	for i := range 256 {
		b := uint8(i)
		sign, exp, man := uint32(b>>7), uint32(b>>3)&15, uint32(b)&7
		want := float32(valueOf(sign, exp, man, 3, 7))
		if b&0x7F == 0x7F {
			want = float32(math.NaN())
		}
		if got := E4M3ToF32(b); !same(got, want) {
			t.Errorf("E4M3ToF32(%#02x) = %g, want %g", b, got, want)
		}
		want = float32(valueOf(0, exp, man, 3, 7))
		if b == 0x7F {
			want = 0
		}
		if got := UE4M3ToF32(b); !same(got, want) {
			t.Errorf("UE4M3ToF32(%#02x) = %g, want %g", b, got, want)
		}
		want = float32(math.Ldexp(1, i-128))
		if got := E8M0HalfToF32(b); !same(got, want) {
			t.Errorf("E8M0HalfToF32(%d) = %g, want %g", b, got, want)
		}
		want = float32(math.Ldexp(1, i-127))
		if b == 255 {
			want = float32(math.NaN())
		}
		if got := E8M0ToF32(b); !same(got, want) {
			t.Errorf("E8M0ToF32(%d) = %g, want %g", b, got, want)
		}
		if got := F32ToE8M0(E8M0ToF32(b)); got != b {
			t.Errorf("F32ToE8M0(2^%d) = %d, want %d", i-127, got, b)
		}
	}
}

// A small describes a small format to the rounding test.
type small struct {
	name   string
	decode func(uint16) float32
	encode func(float32) uint16
	last   uint16  // pattern of the largest finite positive number
	over   uint16  // what larger values become
	limit  float64 // values below it still round to last
}

var smalls = []small{
	{"F16", F16ToF32, F32ToF16, 0x7BFF, 0x7C00, 65520},
	{"BF16", BF16ToF32, F32ToBF16, 0x7F7F, 0x7F80, math.Ldexp(511, 119)},
	{
		"E4M3",
		func(h uint16) float32 { return E4M3ToF32(uint8(h)) },
		func(f float32) uint16 { return uint16(F32ToE4M3(f)) },
		0x7E, 0x7E, 1e30,
	},
	{
		"UE4M3",
		func(h uint16) float32 { return UE4M3ToF32(uint8(h)) },
		func(f float32) uint16 { return uint16(F32ToUE4M3(f)) },
		0x7E, 0x7E, 1e30,
	},
}

// nearest finds the pattern that f >= 0 must round to by searching the list
// of all values; the patterns of positive numbers ascend with their values.
func (s *small) nearest(values []float64, f float64) uint16 {
	if f >= s.limit {
		return s.over
	}
	hi := sort.SearchFloat64s(values, f)
	if hi == len(values) {
		return s.last
	}
	if hi == 0 || values[hi] == f {
		return uint16(hi)
	}
	lo := hi - 1
	below, above := f-values[lo], values[hi]-f
	if below < above || below == above && lo%2 == 0 {
		return uint16(lo)
	}
	return uint16(hi)
}

func TestEncodeRoundsToNearestEven(t *testing.T) {
	for _, s := range smalls {
		values := make([]float64, s.last+1)
		for i := range values {
			values[i] = float64(s.decode(uint16(i)))
		}
		check := func(f float32) {
			if f < 0 || f != f {
				return
			}
			if got, want := s.encode(f), s.nearest(values, float64(f)); got != want {
				t.Fatalf("%s of %g (%#08x) = %#04x, want %#04x", s.name, f, math.Float32bits(f), got, want)
			}
		}
		for i, v := range values {
			check(float32(v))
			if i == 0 {
				continue
			}
			// The middle between two neighbours and its float32 neighbours
			// are where rounding goes wrong.
			mid := float32((v + values[i-1]) / 2)
			check(mid)
			check(math.Nextafter32(mid, 0))
			check(math.Nextafter32(mid, math.MaxFloat32))
			check(math.Nextafter32(float32(v), 0))
			check(math.Nextafter32(float32(v), math.MaxFloat32))
		}
		check(math.MaxFloat32)
		check(float32(math.Inf(1)))
		check(float32(s.limit))
		check(math.Nextafter32(float32(s.limit), 0))
		rng := rand.New(rand.NewPCG(1, 2))
		for range 200_000 {
			check(math.Float32frombits(rng.Uint32() >> 1))
		}
	}
}

func TestEncodeKeepsSignAndNaN(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		if f := F16ToF32(h); f == f && F32ToF16(f) != h {
			t.Fatalf("F16 %#04x does not come back: %#04x", h, F32ToF16(f))
		}
		if f := BF16ToF32(h); f == f && F32ToBF16(f) != h {
			t.Fatalf("BF16 %#04x does not come back: %#04x", h, F32ToBF16(f))
		}
	}
	for i := range 256 {
		if f := E4M3ToF32(uint8(i)); f == f && F32ToE4M3(f) != uint8(i) {
			t.Errorf("E4M3 %#02x does not come back: %#02x", i, F32ToE4M3(f))
		}
	}
	// NaNs of every payload size, also those whose payload lies only in bits
	// that are cut off: none may turn into an infinity.
	for _, b := range []uint32{0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF, 0x7F801FFF} {
		f := math.Float32frombits(b)
		if g := F16ToF32(F32ToF16(f)); g == g {
			t.Errorf("F16 of NaN %#08x is %g", b, g)
		}
		if g := BF16ToF32(F32ToBF16(f)); g == g {
			t.Errorf("BF16 of NaN %#08x is %g", b, g)
		}
		if g := E4M3ToF32(F32ToE4M3(f)); g == g {
			t.Errorf("E4M3 of NaN %#08x is %g", b, g)
		}
		if g := F32ToUE4M3(f); g != 0 {
			t.Errorf("UE4M3 of NaN %#08x is %#02x, want 0", b, g)
		}
		if g := F32ToE8M0(f); g != 255 {
			t.Errorf("E8M0 of NaN %#08x is %d, want 255", b, g)
		}
	}
	if got := F32ToUE4M3(-3); got != 0 {
		t.Errorf("F32ToUE4M3(-3) = %#02x, want 0", got)
	}
}

func TestF32ToE8M0TakesTheFloor(t *testing.T) {
	f := func(x float32, want uint8) {
		t.Helper()
		if got := F32ToE8M0(x); got != want {
			t.Errorf("F32ToE8M0(%g) = %d, want %d", x, got, want)
		}
	}
	f(1, 127)
	f(1.999, 127)
	f(2, 128)
	f(0.75, 126)
	f(0, 0)
	f(-1, 0)
	f(math.SmallestNonzeroFloat32, 0)
	f(math.MaxFloat32, 254)
	f(float32(math.Inf(1)), 255)
}

func BenchmarkF16ToF32(b *testing.B) {
	var sum float32
	src := make([]uint16, 4096)
	for i := range src {
		src[i] = uint16(i * 7)
	}
	b.SetBytes(int64(2 * len(src)))
	for b.Loop() {
		for _, h := range src {
			sum += F16ToF32(h)
		}
	}
	sink = sum
}

var sink float32
