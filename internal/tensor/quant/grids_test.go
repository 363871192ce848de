package quant

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"testing"
)

// The digests are of the points of ggml's grids as little-endian uint16.
func TestGridPoints(t *testing.T) {
	f := func(name, encoded string, n, sum int, digest string) {
		t.Helper()
		h := sha256.New()
		list := points(encoded, n)
		got := 0
		for i, p := range list {
			if i > 0 && p <= list[i-1] {
				t.Errorf("%s: point %d is not above point %d", name, i, i-1)
			}
			got += int(p)
			h.Write(binary.LittleEndian.AppendUint16(nil, p))
		}
		if got != sum {
			t.Errorf("%s: sum %d, want %d", name, got, sum)
		}
		if d := hex.EncodeToString(h.Sum(nil)); d != digest {
			t.Errorf("%s: sha256 %s, want %s", name, d, digest)
		}
	}
	f("iq2xxs", iq2xxsPoints, 256, 3697703, "915952ebc4af8ddba8113583ca1316fc818843f7b825bbf1a25ae1c39bf0e16d")
	f("iq2xs", iq2xsPoints, 512, 8004683, "f66435966ca8d64e9e4a6e3c91e64afcf9015e700ec85962f527283ebae207b9")
	f("iq2s", iq2sPoints, 1024, 16519059, "e6e75e121b65e8afa5c1f92b71463cfbe217b83893f438acde22fd5db06a43f7")
	f("iq3xxs", iq3xxsPoints, 256, 391138, "c9678803c61b2210fbd8cbbb3f965a835409cd7d88a04d086d236261bd221d11")
	f("iq3s", iq3sPoints, 512, 777331, "353274c58dd7d8dc5ee960dc8fc54ff9164eaf2b49206b841cd49415cf393f81")
	f("iq1s", iq1sPoints, 2048, 44428132, "e9ffebfc997ad6023063a667c0bf4eedd8ebf7f56b3da399cbc7d1b1f7ea52c6")
}

// The digests are of all magnitudes of the expanded grids, one byte each.
func TestGridsExpand(t *testing.T) {
	g := grids()
	f := func(name string, words []uint64, width int, digest string) {
		t.Helper()
		h := sha256.New()
		for _, w := range words {
			h.Write(binary.LittleEndian.AppendUint64(nil, w)[:width])
		}
		if d := hex.EncodeToString(h.Sum(nil)); d != digest {
			t.Errorf("%s: sha256 %s, want %s", name, d, digest)
		}
	}
	wide := func(x []uint32) (w []uint64) {
		for _, v := range x {
			w = append(w, uint64(v))
		}
		return w
	}
	f("iq2xxs", g.iq2xxs[:], 8, "05826b5d3e472a3a78f196be62ac78acf81df0f909626e12ab9fa2a5d490dd54")
	f("iq2xs", g.iq2xs[:], 8, "06e47aaca60b4dc1d9b5a3f34540437058a6b142b4d7a59d5ded769b4d1bf1de")
	f("iq2s", g.iq2s[:], 8, "e1aa1473412b0552c2174c30ef22ab4073f6a181b85a17056e8249bd2932fd88")
	f("iq3xxs", wide(g.iq3xxs[:]), 4, "46e35f5a997efdee6c99ce57854c8a0d4f0ff8ca57e5e8a60c0793ea580acf5d")
	f("iq3s", wide(g.iq3s[:]), 4, "bd1af4945a1717c65610b0284e4628b9a1ba3b306fae3a06f6e5f597356e349f")

	// The IQ1 grid is kept shifted; take the shift out again.
	plain := func(x []uint64, shift int8) (w []uint64) {
		for _, v := range x {
			var u uint64
			for i := range 8 {
				u |= uint64(uint8((int8(v>>(8*i))-shift)/8)) << (8 * i)
			}
			w = append(w, u)
		}
		return w
	}
	const iq1s = "07540ffc1aeaf6ad4d97e96b0fcc765aae39671d4ae4a27bbd0e796fde167c6a"
	f("iq1 up", plain(g.iq1up[:], 1), 8, iq1s)
	f("iq1 down", plain(g.iq1dn[:], -1), 8, iq1s)
}

func TestSmallTables(t *testing.T) {
	ks := make([]byte, 128)
	for i := range ks {
		ks[i] = signs7(uint32(i))
		if bits.OnesCount8(ks[i])%2 != 0 || ks[i]&127 != byte(i) {
			t.Errorf("signs7(%d) = %#02x", i, ks[i])
		}
	}
	for i := range 15 {
		if iq4Values[i] >= iq4Values[i+1] {
			t.Errorf("iq4Values[%d] = %d is not below %d", i, iq4Values[i], iq4Values[i+1])
		}
	}
	for i := range 8 {
		if fp4Values[i+8] != -fp4Values[i] {
			t.Errorf("fp4Values[%d] = %d, want %d", i+8, fp4Values[i+8], -fp4Values[i])
		}
	}
	for i, m := range grids().signs {
		for b := range 8 {
			if want := uint8(-(i >> b & 1)); uint8(m>>(8*b)) != want {
				t.Errorf("signs[%#02x] byte %d is %#02x, want %#02x", i, b, uint8(m>>(8*b)), want)
			}
		}
	}
}

func TestBytewiseArithmetic(t *testing.T) {
	for x := range 128 {
		for c := range 128 {
			// The neighbours 0 and 127 would show a borrow that crosses.
			w := uint64(x)<<8 | 127<<16 | uint64(x)<<24
			got := sub(w, each(uint8(c)))
			for i, in := range []int{0, x, 127, x, 0, 0, 0, 0} {
				if int8(got>>(8*i)) != int8(in-c) {
					t.Fatalf("sub(%d, %d) in byte %d = %d", in, c, i, int8(got>>(8*i)))
				}
			}
		}
	}
	for x := 1; x < 128; x++ {
		for m := range 256 {
			got := negate(each(uint8(x)), grids().signs[m])
			for i := range 8 {
				want := int8(x)
				if m>>i&1 != 0 {
					want = -want
				}
				if int8(got>>(8*i)) != want {
					t.Fatalf("negate(%d) with mask %#02x in byte %d = %d", x, m, i, int8(got>>(8*i)))
				}
			}
		}
	}
}

func TestPointsPanicOnDamage(t *testing.T) {
	f := func(encoded string, n int) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("points(%q, %d) does not panic", encoded, n)
			}
		}()
		points(encoded, n)
	}
	f("!", 1)
	f("AAID", 4)
	f("AAID", 2)
}
